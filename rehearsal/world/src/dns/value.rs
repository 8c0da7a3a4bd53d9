//! The values of records: what each type takes, and what a resolver makes of it.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::name::{DnsName, octal};
use super::record::RecordType;

/// The longest character string of a TXT record, in bytes.
const LONGEST_STRING: usize = 255;
/// The longest value of a TXT record, in characters.
const LONGEST_TEXT: usize = 4_000;

/// The data of one record.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RecordData {
    /// An IPv4 address.
    A(Ipv4Addr),
    /// An IPv6 address.
    Aaaa(Ipv6Addr),
    /// The name that this one stands for.
    Cname(DnsName),
    /// A mail server and how much it is preferred; the least number first.
    Mx(u16, DnsName),
    /// A name server.
    Ns(DnsName),
    /// The start of authority.
    Soa(StartOfAuthority),
    /// The strings of a text.
    Txt(Vec<Vec<u8>>),
}

/// The data of the SOA record that every zone has.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StartOfAuthority {
    /// The first name server.
    pub server: DnsName,
    /// The administrator's address, its `@` as a dot.
    pub administrator: DnsName,
    /// Serial number, then refresh, retry and expire times and the time that a missing name is remembered, in seconds.
    pub numbers: [u32; 5],
}

impl RecordData {
    /// The type of such a record.
    #[must_use]
    pub fn kind(&self) -> RecordType {
        match self {
            Self::A(_) => RecordType::A,
            Self::Aaaa(_) => RecordType::Aaaa,
            Self::Cname(_) => RecordType::Cname,
            Self::Mx(..) => RecordType::Mx,
            Self::Ns(_) => RecordType::Ns,
            Self::Soa(_) => RecordType::Soa,
            Self::Txt(_) => RecordType::Txt,
        }
    }
}

/// Reads the value of a record, or says what Route 53 says of a value that it does not take.
pub(crate) fn read(kind: RecordType, value: &str) -> Result<RecordData, String> {
    match kind {
        RecordType::A => value
            .parse()
            .map(RecordData::A)
            .map_err(|_| fatal("ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)", value)),
        RecordType::Aaaa => value
            .parse()
            .map(RecordData::Aaaa)
            .map_err(|_| fatal("AAAARRDATAIllegalIPv6Address (Value is not a valid IPv6 address)", value)),
        RecordType::Cname => name(value).map(RecordData::Cname),
        RecordType::Ns => name(value).map(RecordData::Ns),
        RecordType::Mx => {
            let (preference, exchange) = value.split_once(' ').ok_or_else(|| mx(value))?;
            Ok(RecordData::Mx(preference.parse().map_err(|_| mx(value))?, name(exchange)?))
        }
        RecordType::Soa => start_of_authority(value),
        RecordType::Txt => text(value).map(RecordData::Txt),
    }
}

fn fatal(problem: &str, value: &str) -> String {
    invalid(&format!("FATAL problem: {problem} encountered with '{value}'"))
}

fn invalid(problem: &str) -> String {
    format!("Invalid Resource Record: '{problem}'")
}

fn mx(value: &str) -> String {
    fatal("MXRRDATANotTwoFields (MX record doesn't have 2 fields)", value)
}

fn name(value: &str) -> Result<DnsName, String> {
    DnsName::read(value).map_err(|problem| invalid(&problem.encountered_with(value)))
}

fn start_of_authority(value: &str) -> Result<RecordData, String> {
    let refused = || fatal("SOARRDATANotSevenFields (SOA record doesn't have 7 fields)", value);
    let fields: Vec<&str> = value.split(' ').collect();
    let [server, administrator, numbers @ ..] = fields.as_slice() else {
        return Err(refused());
    };
    let numbers: Vec<u32> = numbers.iter().map(|number| number.parse()).collect::<Result<_, _>>().map_err(|_| refused())?;
    let numbers = numbers.try_into().map_err(|_| refused())?;
    let (server, administrator) = (name(server)?, name(administrator)?);
    Ok(RecordData::Soa(StartOfAuthority { server, administrator, numbers }))
}

/// Strings in quotation marks, with spaces between them; `\"`, `\\` and octal codes within.
fn text(value: &str) -> Result<Vec<Vec<u8>>, String> {
    let unquoted = || fatal("InvalidCharacterString (Value should be enclosed in quotation marks)", value);
    let too_long = || fatal("CharacterStringTooLong (Value is too long)", value);
    if value.chars().count() > LONGEST_TEXT {
        return Err(too_long());
    }
    let mut bytes = value.bytes().peekable();
    let mut strings = Vec::new();
    while let Some(byte) = bytes.next() {
        match byte {
            b' ' if !strings.is_empty() => continue,
            b'"' => {}
            _ => return Err(unquoted()),
        }
        let mut string = Vec::new();
        loop {
            match bytes.next().ok_or_else(unquoted)? {
                b'"' => break,
                b'\\' if bytes.peek().is_some_and(u8::is_ascii_digit) => {
                    string.push(octal(&mut bytes).map_err(|_| unquoted())?);
                }
                b'\\' => string.push(bytes.next().ok_or_else(unquoted)?),
                other => string.push(other),
            }
        }
        if string.len() > LONGEST_STRING {
            return Err(too_long());
        }
        strings.push(string);
    }
    if strings.is_empty() { Err(unquoted()) } else { Ok(strings) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_strings_in_quotation_marks() {
        let strings = |value| text(value).unwrap();
        assert_eq!(strings(r#""generation=7""#), [b"generation=7".to_vec()]);
        assert_eq!(strings(r#""a" "b c""#), [b"a".to_vec(), b"b c".to_vec()]);
        assert_eq!(strings(r#""say \"so\" \\ \344""#), [b"say \"so\" \\ \xe4".to_vec()]);
        assert_eq!(strings(r#""""#), [Vec::<u8>::new()]);
        for unquoted in ["", "generation=7", "\"open", "\"a\"b", " \"a\"", "\"a\\\"", "\"\\9\""] {
            assert!(text(unquoted).unwrap_err().contains("enclosed in quotation marks"), "{unquoted}");
        }
        assert!(text(&format!("\"{}\"", "a".repeat(255))).is_ok());
        assert!(text(&format!("\"{}\"", "a".repeat(256))).unwrap_err().contains("too long"));
        assert!(text(&"\"aaaaaaaaaa\" ".repeat(400)).unwrap_err().contains("too long"));
    }

    #[test]
    fn every_type_reads_its_own_values_only() {
        for (kind, good, bad) in [
            (RecordType::A, "192.0.2.1", "192.0.2"),
            (RecordType::Aaaa, "2001:db8::1", "192.0.2.1"),
            (RecordType::Cname, "db.example.com", "a..b"),
            (RecordType::Ns, "ns-1.awsdns-1.org.", "a b"),
            (RecordType::Mx, "10 mail.example.com", "mail.example.com"),
            (RecordType::Soa, "ns-1.awsdns-1.org. hostmaster.example.com. 1 7200 900 1209600 86400", "ns-1.awsdns-1.org. 1"),
            (RecordType::Txt, "\"text\"", "text"),
        ] {
            assert_eq!(read(kind, good).unwrap().kind(), kind);
            let message = read(kind, bad).unwrap_err();
            assert!(message.starts_with("Invalid Resource Record: 'FATAL problem: "), "{message}");
            assert!(message.contains(bad), "{message}");
        }
    }
}
