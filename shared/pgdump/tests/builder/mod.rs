//! Writes archives field by field, wrong ones too.

#![allow(dead_code, reason = "tests and the bench each use their own part of this")]

/// The bytes of a custom archive so far.
pub(crate) struct Builder {
    minor: u8,
    compression: u8,
    bytes: Vec<u8>,
}

impl Builder {
    /// Of a version 1.`minor` and a compression: from 1.15 on its algorithm, before its level.
    pub(crate) fn new(minor: u8, compression: u8) -> Self {
        Self { minor, compression, bytes: Vec::new() }
    }

    pub(crate) fn done(self) -> Vec<u8> {
        self.bytes
    }

    pub(crate) fn byte(mut self, byte: u8) -> Self {
        self.bytes.push(byte);
        self
    }

    pub(crate) fn integer(mut self, value: i32) -> Self {
        self.bytes.push(u8::from(value < 0));
        self.bytes.extend(value.unsigned_abs().to_le_bytes());
        self
    }

    pub(crate) fn text(self, text: &str) -> Self {
        let length = i32::try_from(text.len()).unwrap();
        let mut longer = self.integer(length);
        longer.bytes.extend(text.bytes());
        longer
    }

    fn missing(self) -> Self {
        self.integer(-1)
    }

    pub(crate) fn chunk(self, bytes: &[u8]) -> Self {
        let length = i32::try_from(bytes.len()).unwrap();
        let mut longer = self.integer(length);
        longer.bytes.extend(bytes);
        longer
    }

    /// The header up to the database's name.
    pub(crate) fn preamble(mut self) -> Self {
        self.bytes.extend(b"PGDMP");
        self.bytes.extend([1, self.minor, 0, 4, 8, 1]);
        let compression = self.compression;
        let with = if self.minor >= 15 { self.byte(compression) } else { self.integer(compression.into()) };
        [1, 2, 3, 4, 5, 126, 0].into_iter().fold(with, Self::integer)
    }

    /// The whole header; the count of entries comes next.
    pub(crate) fn header(self) -> Self {
        self.preamble().text("database").text("15.0").text("15.0")
    }

    fn entry(self, id: i32, data: bool, description: &str, name: &str, definition: &str, copy: &str) -> Self {
        let minor = self.minor;
        let mut entry = self.integer(id).integer(data.into()).text("0").text("0").text(name).text(description).integer(3);
        entry = entry.text(definition).text("").text(copy).text("public").missing();
        if minor >= 14 {
            entry = entry.missing();
        }
        if minor >= 16 {
            entry = entry.integer(0);
        }
        entry = entry.text("owner").text("false").missing();
        // The offset: not set, or none.
        entry.bytes.extend([if data { 1 } else { 3 }, 0, 0, 0, 0, 0, 0, 0, 0]);
        entry
    }

    /// The entry that states UTF8.
    pub(crate) fn encoding(self, id: i32) -> Self {
        self.entry(id, false, "ENCODING", "ENCODING", "SET client_encoding = 'UTF8';\n", "")
    }

    /// An entry of a table with two columns.
    pub(crate) fn table_data(self, id: i32, name: &str) -> Self {
        self.table_data_of(id, name, "id, text")
    }

    /// An entry of a table with these columns.
    pub(crate) fn table_data_of(self, id: i32, name: &str, columns: &str) -> Self {
        self.entry(id, true, "TABLE DATA", name, "", &format!("COPY public.{name} ({columns}) FROM stdin;\n"))
    }

    /// The entry of a large object.
    pub(crate) fn large_object(self, id: i32, object: &str) -> Self {
        self.entry(id, false, "BLOB", object, "", "")
    }

    /// The entry of the data of large objects.
    pub(crate) fn large_objects(self, id: i32) -> Self {
        self.entry(id, true, "BLOBS", "BLOBS", "", "")
    }

    /// Header and table of contents with one table of two columns, which has the id 5.
    pub(crate) fn one_table(self) -> Self {
        self.header().integer(2).encoding(1).table_data(5, "rows")
    }
}

/// An archive without compression that holds these tables, and says where each begins, as pg_dump writes it into a file.
pub(crate) fn tables(texts: &[Vec<u8>]) -> Vec<u8> {
    let count = i32::try_from(texts.len()).unwrap();
    let begun = Builder::new(14, 0).header().integer(count + 1).encoding(1);
    let mut bytes = (0..count).fold(begun, |archive, table| archive.table_data(5 + table, &format!("rows_{table}"))).done();
    let mut entry = 0;
    for (id, text) in (5..).zip(texts) {
        let block = Builder::new(14, 0).byte(1).integer(id);
        let block = text.chunks(4096).fold(block, Builder::chunk).integer(0).done();
        // The byte that says that no offset is set, behind the last words of the entry.
        let words = [b"false".as_slice(), &[1, 1, 0, 0, 0, 1]].concat();
        entry += bytes[entry..].windows(words.len()).position(|window| window == words).unwrap() + words.len();
        let offset = (bytes.len() as u64).to_le_bytes();
        bytes[entry - 1] = 2;
        bytes[entry..entry + offset.len()].copy_from_slice(&offset);
        bytes.extend(block);
    }
    bytes
}

/// Text of a table with so many rows, which does not compress to nothing.
pub(crate) fn rows(count: u64) -> Vec<u8> {
    let text = |row: u64| format!("{row}\t{:x}\n", row.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut text: Vec<u8> = (0..count).flat_map(|row| text(row).into_bytes()).collect();
    text.extend(b"\\.\n\n\n");
    text
}
