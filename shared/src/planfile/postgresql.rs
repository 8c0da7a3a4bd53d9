//! Reads a PostgreSQL primary and its standby.

use crate::domain::described::{Postgresql, PostgresqlServer, Tls};
use crate::domain::identifier::{DomainName, ResourceName};
use crate::domain::plan::{Component, SiteName};

use super::draft::{ComponentKind, DraftComponent};
use super::fields::{Fields, Marked, Place};
use super::finding::Findings;
use super::{code, format};

/// The database that every server has, and that monitoring connects to.
const DATABASE: &str = "postgres";
const A_HOST: &str = "a host name such as pg-0.example.internal";

pub(super) fn read(place: &Place<'_>, findings: &mut Findings) -> DraftComponent {
    let mut draft = DraftComponent::unread(Some(ComponentKind::Postgresql));
    let Some(fields) = place.fields(&format::POSTGRESQL, findings) else {
        return draft;
    };
    let primary = read_server(&fields, SiteName::Primary, &mut draft, findings);
    let recovery = read_server(&fields, SiteName::Recovery, &mut draft, findings);
    if let (Some(primary), Some(standby)) = (&primary, &recovery)
        && primary.value == standby.value
    {
        let message = format!("{}: {} is named as its own standby", place.path(), primary.value);
        findings.error(code::DUPLICATE, standby.mark, message, "name the standby's own host, past any name that moves");
    }
    let secret = fields
        .required("secret", "the secret's name", findings)
        .and_then(|place| place.identifier::<ResourceName>("the secret's name", findings));
    let database = match fields.optional("database") {
        Some(place) => place.identifier::<ResourceName>("the database's name", findings).map(|name| name.value),
        None => ResourceName::new(DATABASE).ok(),
    };
    let tls = match fields.optional("tls") {
        Some(place) => place.choice(format::TLS, code::UNKNOWN_VALUE, findings).map(|tls| {
            draft.without_tls = (tls.value == Tls::None).then_some(tls.mark);
            tls.value
        }),
        None => Some(Tls::Verified),
    };
    let complete = || {
        Some(Postgresql {
            primary: primary?.value,
            recovery: recovery?.value,
            secret: secret?.value,
            database: database?,
            tls: tls?,
        })
    };
    draft.component = complete().map(Component::Postgresql);
    draft
}

fn read_server(
    fields: &Fields<'_>,
    site: SiteName,
    draft: &mut DraftComponent,
    findings: &mut Findings,
) -> Option<Marked<PostgresqlServer>> {
    let place = fields.required(site.as_str(), "`{ host: … }`", findings)?;
    let fields = place.fields(&format::POSTGRESQL_SERVER, findings)?;
    let host = fields.required("host", A_HOST, findings).and_then(|place| place.identifier::<DomainName>(A_HOST, findings));
    let port = match fields.optional("port") {
        Some(place) => read_port(&place, findings),
        None => Some(PostgresqlServer::PORT),
    };
    let (host, port) = (host?, port?);
    let server = PostgresqlServer { host: host.value, port };
    draft.resources.push(Marked { value: (site, format!("PostgreSQL server {server}")), mark: host.mark });
    Some(Marked { value: server, mark: host.mark })
}

fn read_port(place: &Place<'_>, findings: &mut Findings) -> Option<u16> {
    let number = place.number(findings)?;
    match u16::try_from(number.value) {
        Ok(port) if port > 0 => Some(port),
        _ => {
            let message = format!("{}: {} is no port", place.path(), number.value);
            findings.error(code::OUT_OF_RANGE, number.mark, message, "write 1 to 65535; 5432 unless written");
            None
        }
    }
}
