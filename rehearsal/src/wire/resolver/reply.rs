//! From the bytes of a question to the bytes of its answer.

use hickory_proto::error::ProtoError;
use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, MX, NS, SOA, TXT};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType as WireType};
use rehearsal_world::{DnsName, DnsRecord, RecordData, RecordType, Resolution};

use super::NameServers;

/// The longest answer over UDP, whatever a client would take.
const LONGEST_DATAGRAM: u16 = 4_096;
/// What every header has.
const HEADER: usize = 12;

/// How a question came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    /// An answer that is too long is cut, and says so.
    Udp,
    /// Any length will do.
    Tcp,
}

/// Answers a message; nothing is answered to what is no question.
pub(super) fn to(bytes: &[u8], transport: Transport, servers: &dyn NameServers) -> Option<Vec<u8>> {
    let Ok(asked) = Message::from_vec(bytes) else {
        return malformed(bytes);
    };
    if asked.message_type() != MessageType::Query {
        return None;
    }
    let mut answer = Message::error_msg(asked.id(), asked.op_code(), ResponseCode::NoError);
    answer.set_recursion_desired(asked.recursion_desired());
    answer.add_queries(asked.queries().iter().cloned());
    if asked.extensions().is_some() {
        let mut edns = Edns::new();
        edns.set_max_payload(LONGEST_DATAGRAM);
        answer.set_edns(edns);
    }
    let code = match asked.queries() {
        _ if asked.version() > 0 => ResponseCode::BADVERS,
        _ if asked.op_code() != OpCode::Query => ResponseCode::NotImp,
        [query] if query.query_class() == DNSClass::IN => fill(&mut answer, query, servers),
        [_] => ResponseCode::Refused,
        _ => ResponseCode::FormErr,
    };
    answer.set_response_code(code);
    let longest = match transport {
        Transport::Udp => asked.max_payload().min(LONGEST_DATAGRAM),
        Transport::Tcp => u16::MAX,
    };
    encoded(answer, longest)
}

/// Nobody but the sender can say what was meant; the header's first two bytes say who asked.
fn malformed(bytes: &[u8]) -> Option<Vec<u8>> {
    let is_answer = bytes.get(2)? & 0x80 != 0;
    if bytes.len() < HEADER || is_answer {
        return None;
    }
    let id = u16::from_be_bytes([bytes[0], bytes[1]]);
    Message::error_msg(id, OpCode::Query, ResponseCode::FormErr).to_vec().ok()
}

fn encoded(answer: Message, longest: u16) -> Option<Vec<u8>> {
    let bytes = answer.to_vec();
    match bytes {
        Ok(bytes) if bytes.len() <= usize::from(longest) => Some(bytes),
        Ok(_) => answer.truncate().to_vec().ok(),
        Err(error) => {
            tracing::error!(%error, "an answer of the world is no DNS message");
            Message::error_msg(answer.id(), answer.op_code(), ResponseCode::ServFail).to_vec().ok()
        }
    }
}

/// Asks the world, and puts what it says into the answer.
fn fill(answer: &mut Message, query: &Query, servers: &dyn NameServers) -> ResponseCode {
    // Whole zones are nobody's to take.
    if matches!(query.query_type(), WireType::AXFR | WireType::IXFR) {
        return ResponseCode::Refused;
    }
    // The root has no labels, and no zone of the world holds it.
    let Some(name) = DnsName::from_labels(query.name().iter()) else {
        return ResponseCode::Refused;
    };
    let resolution = servers.resolve(&name, kind_of(query.query_type()));
    let (authority, code) = match &resolution {
        Resolution::Refused => return ResponseCode::Refused,
        Resolution::Answer(_) => (None, ResponseCode::NoError),
        Resolution::NoData(_, authority) => (Some(authority), ResponseCode::NoError),
        Resolution::NoSuchName(_, authority) => (Some(authority), ResponseCode::NXDomain),
    };
    answer.set_authoritative(true);
    let records: Result<Vec<Record>, ProtoError> = resolution.records().iter().map(record).collect();
    let authority = authority.map(|record_of| record(record_of)).transpose();
    match (records, authority) {
        (Ok(records), Ok(authority)) => {
            answer.add_answers(records);
            answer.add_name_servers(authority);
            code
        }
        (Err(error), _) | (_, Err(error)) => {
            tracing::error!(%error, %name, "a record of the world is no DNS record");
            ResponseCode::ServFail
        }
    }
}

fn kind_of(kind: WireType) -> Option<RecordType> {
    match kind {
        WireType::A => Some(RecordType::A),
        WireType::AAAA => Some(RecordType::Aaaa),
        WireType::CNAME => Some(RecordType::Cname),
        WireType::MX => Some(RecordType::Mx),
        WireType::NS => Some(RecordType::Ns),
        WireType::SOA => Some(RecordType::Soa),
        WireType::TXT => Some(RecordType::Txt),
        _ => None,
    }
}

fn record(record: &DnsRecord) -> Result<Record, ProtoError> {
    let data = match &record.data {
        RecordData::A(address) => RData::A(A(*address)),
        RecordData::Aaaa(address) => RData::AAAA(AAAA(*address)),
        RecordData::Cname(target) => RData::CNAME(CNAME(name(target)?)),
        RecordData::Mx(preference, exchange) => RData::MX(MX::new(*preference, name(exchange)?)),
        RecordData::Ns(server) => RData::NS(NS(name(server)?)),
        RecordData::Soa(authority) => {
            let [serial, refresh, retry, expire, minimum] = authority.numbers;
            // The wire has these three signed; a value beyond is as good as for ever.
            let signed = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
            let (server, administrator) = (name(&authority.server)?, name(&authority.administrator)?);
            RData::SOA(SOA::new(server, administrator, serial, signed(refresh), signed(retry), signed(expire), minimum))
        }
        RecordData::Txt(strings) => RData::TXT(TXT::from_bytes(strings.iter().map(Vec::as_slice).collect())),
    };
    Ok(Record::from_rdata(name(&record.name)?, record.ttl, data))
}

fn name(name: &DnsName) -> Result<Name, ProtoError> {
    let mut name = Name::from_labels(name.labels())?;
    name.set_fqdn(true);
    Ok(name)
}
