//! As much CBOR (RFC 8949) as an answer of CloudWatch needs.

/// A value.
pub(crate) enum Cbor {
    Text(String),
    Number(f64),
    /// Seconds since the epoch.
    Time(f64),
    List(Vec<Cbor>),
    Map(Vec<(&'static str, Cbor)>),
}

impl Cbor {
    /// The encoded value.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.write(&mut bytes);
        bytes
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Text(text) => {
                head(bytes, 3, text.len());
                bytes.extend_from_slice(text.as_bytes());
            }
            Self::Number(number) => {
                bytes.push(0xfb);
                bytes.extend_from_slice(&number.to_be_bytes());
            }
            Self::Time(seconds) => {
                bytes.push(0xc1);
                Self::Number(*seconds).write(bytes);
            }
            Self::List(items) => {
                head(bytes, 4, items.len());
                items.iter().for_each(|item| item.write(bytes));
            }
            Self::Map(fields) => {
                head(bytes, 5, fields.len());
                for (name, value) in fields {
                    Self::Text((*name).to_owned()).write(bytes);
                    value.write(bytes);
                }
            }
        }
    }
}

/// Major type and length; lengths below 65,536 are enough here.
fn head(bytes: &mut Vec<u8>, major: u8, length: usize) {
    let major = major << 5;
    match u16::try_from(length).unwrap() {
        short @ 0..=23 => bytes.push(major | u8::try_from(short).unwrap()),
        long => {
            bytes.push(major | 25);
            bytes.extend_from_slice(&long.to_be_bytes());
        }
    }
}
