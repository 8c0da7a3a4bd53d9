//! The table of contents: what has data, and where.

use crate::copy_statement;
use crate::encoding::Encoding;
use crate::fields::{Fields, number};
use crate::finding::{Code, Finding};
use crate::header::{Header, Layout};
use crate::source::{Input, InputExt};

/// Since PostgreSQL 17, entries of this kind list up to 1,000 large objects each, one a line, as their definition.
const LARGE_OBJECT_LIST: &str = "BLOB METADATA";

/// What pg_dump calls the kinds of its entries. pg_restore refuses an owner of anything else.
const DESCRIPTIONS: [&str; 70] = [
    "ACCESS METHOD",
    "ACL",
    "ACL LANGUAGE",
    "AGGREGATE",
    "BLOB",
    "BLOB COMMENTS",
    "BLOB METADATA",
    "BLOBS",
    "CAST",
    "CHECK CONSTRAINT",
    "COLLATION",
    "COMMENT",
    "CONSTRAINT",
    "CONVERSION",
    "DATABASE",
    "DATABASE PROPERTIES",
    "DEFAULT",
    "DEFAULT ACL",
    "DOMAIN",
    "ENCODING",
    "EVENT TRIGGER",
    "EXTENSION",
    "FK CONSTRAINT",
    "FOREIGN DATA WRAPPER",
    "FOREIGN SERVER",
    "FOREIGN TABLE",
    "FUNCTION",
    "INDEX",
    "INDEX ATTACH",
    "LANGUAGE",
    "LARGE OBJECT",
    "MATERIALIZED VIEW",
    "MATERIALIZED VIEW DATA",
    "OPERATOR",
    "OPERATOR CLASS",
    "OPERATOR FAMILY",
    "POLICY",
    "PROCEDURAL LANGUAGE",
    "PROCEDURE",
    "PUBLICATION",
    "PUBLICATION TABLE",
    "PUBLICATION TABLES IN SCHEMA",
    "ROW SECURITY",
    "RULE",
    "SCHEMA",
    "SEARCHPATH",
    "SECURITY LABEL",
    "SEQUENCE",
    "SEQUENCE OWNED BY",
    "SEQUENCE SET",
    "SERVER",
    "SHELL TYPE",
    "STATISTICS",
    "STATISTICS DATA",
    "STDSTRINGS",
    "SUBSCRIPTION",
    "SUBSCRIPTION TABLE",
    "TABLE",
    "TABLE ATTACH",
    "TABLE DATA",
    "TABLESPACE",
    "TEXT SEARCH CONFIGURATION",
    "TEXT SEARCH DICTIONARY",
    "TEXT SEARCH PARSER",
    "TEXT SEARCH TEMPLATE",
    "TRANSFORM",
    "TRIGGER",
    "TYPE",
    "USER MAPPING",
    "VIEW",
];

/// What an entry's data is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Rows of COPY, of so many columns.
    Copy { columns: u32 },
    /// INSERT statements.
    Statements,
    /// Large objects.
    LargeObjects,
}

/// Where an entry's data is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the same file: pg_dump could not seek back to write where.
    Somewhere,
    /// In the same file, at this byte.
    At(u64),
    /// In this file.
    File(String),
}

/// An entry that has data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: i32,
    pub(crate) kind: Kind,
    pub(crate) schema: Option<String>,
    pub(crate) name: String,
    pub(crate) place: Place,
}

impl Entry {
    /// For sentences.
    pub(crate) fn title(&self) -> String {
        match (self.kind, &self.schema) {
            (Kind::LargeObjects, _) => "the large objects".to_owned(),
            (_, Some(schema)) => format!("table {schema}.{}", self.name),
            (_, None) => format!("table {}", self.name),
        }
    }
}

/// What a table of contents says.
#[derive(Debug)]
pub(crate) struct Contents {
    /// Entries in all.
    pub(crate) count: u32,
    /// Entries with data, by id.
    pub(crate) entries: Vec<Entry>,
    pub(crate) encoding: Encoding,
    /// Large objects, sorted.
    pub(crate) large_objects: Vec<u32>,
    /// The first entry of a kind that pg_dump does not write, and the byte up to which it was read.
    pub(crate) unknown: Option<(String, u64)>,
}

impl Contents {
    pub(crate) fn read<I: Input>(fields: &mut Fields<'_, I>, header: &Header) -> Result<Self, Finding> {
        let begin = fields.input.position();
        let count = fields.integer("the number of entries")?;
        let count = u32::try_from(count).map_err(|_| fields.wrong(format!("the number of entries is {count}")))?;
        if count > fields.limits.entries {
            return Err(Finding::limit(fields.input.position(), format!("the table of contents has {count} entries")));
        }
        let mut reading = Reading {
            header,
            ids: Vec::new(),
            entries: Vec::new(),
            encoding: None,
            large_objects: Vec::new(),
            unknown: None,
        };
        for _ in 0..count {
            reading.entry(fields)?;
            if fields.input.position() - begin > fields.limits.contents_bytes {
                let sentence = format!("the table of contents has more than {} bytes", fields.limits.contents_bytes);
                return Err(Finding::limit(fields.input.position(), sentence));
            }
        }
        reading.finish(fields, count)
    }
}

struct Reading<'a> {
    header: &'a Header,
    ids: Vec<i32>,
    entries: Vec<Entry>,
    encoding: Option<Encoding>,
    large_objects: Vec<u32>,
    unknown: Option<(String, u64)>,
}

impl Reading<'_> {
    fn entry<I: Input>(&mut self, fields: &mut Fields<'_, I>) -> Result<(), Finding> {
        let id = fields.integer("an entry's id")?;
        let has_data = match fields.integer("an entry's flag for data")? {
            value @ 0..=1 => value == 1,
            value => return Err(fields.wrong(format!("the flag for data of entry {id} is {value}"))),
        };
        if id <= 0 {
            return Err(fields.wrong(format!("an entry has the id {id}")));
        }
        fields.number("an entry's table oid")?;
        fields.number("an entry's oid")?;
        let name = fields.text("an entry's name")?;
        let description = fields.text("an entry's description")?.unwrap_or_default();
        let section = fields.integer("an entry's section")?;
        if !(1..=4).contains(&section) {
            return Err(fields.wrong(format!("entry {id} is in section {section}")));
        }
        if !DESCRIPTIONS.contains(&description.as_str()) {
            self.unknown.get_or_insert_with(|| (shortened(&description), fields.input.position()));
        }
        self.definition(fields, &description, name.as_deref())?;
        fields.skip("a DROP statement")?;
        let copy =
            if has_data { fields.text("a COPY statement")? } else { fields.skip("a COPY statement").map(|_| None)? };
        let schema = fields.text("an entry's schema")?;
        fields.skip("an entry's tablespace")?;
        if self.header.version.minor >= 14 {
            fields.skip("an entry's access method")?;
        }
        if self.header.version.minor >= 16 {
            let kind = fields.integer("an entry's relation kind")?;
            if !u8::try_from(kind).is_ok_and(|kind| kind == 0 || kind.is_ascii_alphabetic()) {
                return Err(fields.wrong(format!("the relation kind of entry {id} is {kind}")));
            }
        }
        fields.skip("an entry's owner")?;
        let with_oids = fields.text("an entry's flag for oids")?;
        if !matches!(with_oids.as_deref(), Some("true" | "false")) {
            return Err(fields.wrong(format!("the flag for oids of entry {id} is {with_oids:?}")));
        }
        dependencies(fields, id)?;
        let place = place(fields, self.header, id, has_data)?;
        self.ids.push(id);
        if has_data != matches!(description.as_str(), "TABLE DATA" | "BLOBS") {
            let has = if has_data { "data" } else { "no data" };
            return Err(fields.wrong(format!("entry {id} is {description:?} and has {has}")));
        }
        if let (true, Some(place)) = (has_data, place) {
            self.data_entry(fields, id, &description, name, schema, copy, place)?;
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one entry, in the archive's order")]
    fn data_entry<I: Input>(
        &mut self,
        fields: &mut Fields<'_, I>,
        id: i32,
        description: &str,
        name: Option<String>,
        schema: Option<String>,
        copy: Option<String>,
        place: Place,
    ) -> Result<(), Finding> {
        let Some(name) = name else { return Err(fields.wrong(format!("entry {id} has data and no name"))) };
        let kind = match (description, copy.filter(|copy| !copy.is_empty())) {
            ("BLOBS", None) => Kind::LargeObjects,
            ("BLOBS", Some(_)) => return Err(fields.wrong(format!("entry {id} is large objects and has a COPY statement"))),
            (_, None) => Kind::Statements,
            (_, Some(copy)) => match copy_statement::columns(&copy) {
                Some(columns) => Kind::Copy { columns },
                None => {
                    return Err(
                        fields.wrong(format!("the COPY statement of {name} is not pg_dump's: {:?}", shortened(&copy)))
                    );
                }
            },
        };
        let file = if let Place::File(file) = &place { file.len() } else { 0 };
        fields.keep(size_of::<Entry>() + name.len() + file + schema.as_ref().map_or(0, String::len))?;
        self.entries.push(Entry { id, kind, schema, name, place });
        Ok(())
    }

    /// Definitions are SQL for the server, except a few that pg_restore itself reads.
    fn definition<I: Input>(
        &mut self,
        fields: &mut Fields<'_, I>,
        description: &str,
        name: Option<&str>,
    ) -> Result<(), Finding> {
        match description {
            "ENCODING" => {
                let text = fields.text("the encoding")?.unwrap_or_default();
                let value = text.strip_prefix("SET client_encoding = '").and_then(|rest| rest.strip_suffix("';\n"));
                let encoding = value.and_then(Encoding::of);
                self.encoding =
                    Some(encoding.ok_or_else(|| fields.wrong(format!("{text:?} states no encoding of PostgreSQL")))?);
            }
            "STDSTRINGS" => {
                let text = fields.text("standard_conforming_strings")?.unwrap_or_default();
                let value =
                    text.strip_prefix("SET standard_conforming_strings = '").and_then(|rest| rest.strip_suffix("';\n"));
                if !matches!(value, Some("on" | "off")) {
                    return Err(fields.wrong(format!("{text:?} does not state standard_conforming_strings")));
                }
            }
            "BLOB" => {
                fields.skip("a definition")?;
                let id = name.and_then(number);
                let id = id.ok_or_else(|| fields.wrong(format!("a large object has the id {name:?}")))?;
                self.large_objects.push(id);
            }
            LARGE_OBJECT_LIST => {
                let list = fields.text("a list of large objects")?.unwrap_or_default();
                for line in list.lines() {
                    let id = number(line).ok_or_else(|| fields.wrong(format!("a large object has the id {line:?}")))?;
                    self.large_objects.push(id);
                }
            }
            _ => {
                fields.skip("a definition")?;
            }
        }
        if self.large_objects.len() > fields.limits.large_objects {
            let sentence = format!("the table of contents lists more than {} large objects", fields.limits.large_objects);
            return Err(Finding::limit(fields.input.position(), sentence));
        }
        Ok(())
    }

    fn finish<I: Input>(mut self, fields: &mut Fields<'_, I>, count: u32) -> Result<Contents, Finding> {
        let position = fields.input.position();
        self.ids.sort_unstable();
        if let Some(pair) = self.ids.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Finding::at(Code::EntryDuplicate, position, format!("two entries have the id {}", pair[0])));
        }
        let Some(encoding) = self.encoding else {
            return Err(fields.wrong("the table of contents states no encoding"));
        };
        if let (Encoding::Utf8, Some(offset)) = (encoding, fields.not_utf8) {
            let sentence = "the archive states UTF8, and its header or table of contents holds text that is not";
            return Err(Finding::at(Code::EncodingInvalid, offset, sentence));
        }
        self.entries.sort_unstable_by_key(|entry| entry.id);
        self.large_objects.sort_unstable();
        Ok(Contents { count, entries: self.entries, encoding, large_objects: self.large_objects, unknown: self.unknown })
    }
}

/// Ids that the entry needs, up to a missing string.
fn dependencies<I: Input>(fields: &mut Fields<'_, I>, id: i32) -> Result<(), Finding> {
    while let Some(text) = fields.text("a dependency")? {
        if number(&text).is_none_or(|needed| needed == 0 || i32::try_from(needed).is_err()) {
            return Err(fields.wrong(format!("entry {id} depends on {:?}", shortened(&text))));
        }
    }
    Ok(())
}

fn place<I: Input>(fields: &mut Fields<'_, I>, header: &Header, id: i32, has_data: bool) -> Result<Option<Place>, Finding> {
    if header.layout == Layout::Files {
        let file = fields.text("an entry's file name")?.filter(|name| !name.is_empty());
        return match (has_data, file) {
            (true, Some(file)) if safe_name(&file) => Ok(Some(Place::File(file))),
            (false, None) => Ok(None),
            (_, file) => Err(fields.wrong(format!("the file of entry {id} is {file:?}"))),
        };
    }
    let state = fields.input.byte("an offset")?;
    let mut bytes = [0; 8];
    fields.input.exact(&mut bytes[..header.offset_bytes.into()], "an offset")?;
    match (state, has_data, u64::from_le_bytes(bytes)) {
        (1, true, 0) => Ok(Some(Place::Somewhere)),
        (2, true, offset) => Ok(Some(Place::At(offset))),
        (3, false, 0) => Ok(None),
        (state, _, offset) => Err(fields.wrong(format!("entry {id} has the offset {offset} in state {state}"))),
    }
}

/// Names come from the archive: they must not lead out of it.
pub(crate) fn safe_name(name: &str) -> bool {
    name.len() <= 100
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_'))
}

fn shortened(text: &str) -> String {
    text.chars().take(200).collect()
}
