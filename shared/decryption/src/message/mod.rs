//! Messages of the AWS Encryption SDK ("AWS Encryption SDK message format reference", versions 1 and 2).
//!
//! `pg_dump … | aws-encryption-cli --encrypt` makes one: a header with the data key as KMS wrapped it, frames that are authenticated
//! one by one, and with most suites a signature of everything behind them.

mod frames;
mod header;
mod input;
mod suite;
mod view;
mod wrapped;

use std::fmt;
use std::io::{BufReader, Read};

use aws_lc_rs::aead::LessSafeKey;
use pgdump::{Keys, NotOpened, Scheme, View};

pub use frames::Message;
pub use wrapped::{DataKey, EncryptedDataKey, EncryptionContext, Unwrap, Unwrapped, Wrapped};

use header::Header;
use input::Input;
use view::MessageView;

/// What a message says of its data key, read from its header alone. Nothing of it is authenticated yet: only a key tells whether it is
/// what was written.
///
/// # Errors
/// [`NotOpened`], when it is no header that is read here.
pub fn wrapped(reader: impl Read) -> Result<Wrapped, NotOpened> {
    Header::read(&mut Input::new(reader)).map(|header| header.wrapped)
}

/// What opens messages whose data key something else unwraps.
pub struct Envelope<U> {
    unwrap: U,
    context: EncryptionContext,
}

impl<U: Unwrap> Envelope<U> {
    /// Messages whose encryption context has at least these pairs: what anybody encrypted under the key for another purpose is not
    /// taken for the archive.
    pub fn new(unwrap: U, context: EncryptionContext) -> Self {
        Self { unwrap, context }
    }

    /// Opens a message. It is read in small pieces: what reads it should have a buffer.
    ///
    /// # Errors
    /// [`NotOpened`], when its header is enough to see that it does not open.
    pub fn decrypt<R: Read>(&self, reader: R) -> Result<Message<R>, NotOpened> {
        let mut input = Input::new(reader);
        let (header, key) = self.header(&mut input)?;
        Message::new(input, &header, key)
    }

    /// Reads the header, which is authentic then, and of what is meant.
    fn header<R: Read>(&self, input: &mut Input<R>) -> Result<(Header, LessSafeKey), NotOpened> {
        let header = Header::read(input)?;
        let data_key = self.unwrap.data_key(&header.wrapped)?;
        let key = header.verify(&data_key)?;
        self.is_meant(&header.wrapped.context)?;
        Ok((header, key))
    }

    fn is_meant(&self, found: &EncryptionContext) -> Result<(), NotOpened> {
        match self.context.iter().find(|(name, value)| found.get(*name) != Some(value)) {
            None => Ok(()),
            Some((name, value)) => {
                let found = found.get(name).map_or_else(|| "it is not there".to_owned(), |found| format!("it is {found:?}"));
                let sentence = format!(
                    "its encryption context has to have {name:?} as {value:?}, and {found}: it opens, and is another archive than is meant"
                );
                Err(NotOpened::ContextDiffers(sentence))
            }
        }
    }
}

impl<U: Unwrap> Keys for Envelope<U> {
    fn opens(&self, scheme: Scheme) -> bool {
        scheme == Scheme::AwsEncryptionSdk
    }

    fn open<'a>(&self, file: Box<dyn Read + 'a>) -> Result<Box<dyn Read + 'a>, NotOpened> {
        Ok(Box::new(self.decrypt(file)?))
    }

    fn view(&self, file: &mut dyn Read, bytes: u64) -> Result<Box<dyn View>, NotOpened> {
        let (header, key) = self.header(&mut Input::new(BufReader::new(file)))?;
        Ok(Box::new(MessageView::of(&header, key, bytes)?))
    }
}

impl<U: fmt::Debug> fmt::Debug for Envelope<U> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Envelope").field("unwrap", &self.unwrap).field("context", &self.context).finish()
    }
}
