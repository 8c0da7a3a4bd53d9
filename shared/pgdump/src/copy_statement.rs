//! The COPY statement of a table: how many columns its rows have.

/// Columns of `COPY table (a, b) FROM stdin;`, as pg_dump writes it; `None` when it is none.
pub(crate) fn columns(statement: &str) -> Option<u32> {
    let rest = name(statement.strip_prefix("COPY ")?)?;
    let rest = match rest.strip_prefix('.') {
        Some(rest) => name(rest)?,
        None => rest,
    };
    let (count, rest) = match rest.strip_prefix(" (") {
        Some(rest) => list(rest)?,
        // A table without columns.
        None => (0, rest.strip_prefix(' ')?),
    };
    // Until PostgreSQL 11 a table could have a column more, which no list names.
    match rest {
        " FROM stdin;\n" => Some(count),
        " WITH OIDS FROM stdin;\n" => Some(count + 1),
        _ => None,
    }
}

fn list(mut rest: &str) -> Option<(u32, &str)> {
    let mut count = 0;
    loop {
        rest = name(rest)?;
        count += 1;
        if let Some(after) = rest.strip_prefix(')') {
            return Some((count, after));
        }
        rest = rest.strip_prefix(", ")?;
    }
}

/// What follows an identifier, quoted or not.
fn name(text: &str) -> Option<&str> {
    match text.strip_prefix('"') {
        Some(quoted) => after_quoted(quoted),
        None => {
            let end = text.find(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')).unwrap_or(text.len());
            (end > 0).then(|| &text[end..])
        }
    }
}

fn after_quoted(mut text: &str) -> Option<&str> {
    let mut empty = true;
    loop {
        let quote = text.find('"')?;
        empty &= quote == 0;
        let after = &text[quote + 1..];
        match after.strip_prefix('"') {
            // Two quotes are one in the name.
            Some(rest) => (text, empty) = (rest, false),
            None => return (!empty).then_some(after),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_counted_whatever_the_names() {
        for (statement, count) in [
            ("COPY public.orders (id, customer, note) FROM stdin;\n", 3),
            ("COPY orders (id) FROM stdin;\n", 1),
            ("COPY public.no_columns  FROM stdin;\n", 0),
            ("COPY \"a\"\"b (c, d) FROM stdin;\".\"T. (\" (\"a, b\", \"c\"\")\", d_1) FROM stdin;\n", 3),
            ("COPY public.old (a, b) WITH OIDS FROM stdin;\n", 3),
        ] {
            assert_eq!(columns(statement), Some(count), "{statement}");
        }
    }

    #[test]
    fn what_pg_dump_never_writes_is_no_copy_statement() {
        for statement in [
            "",
            "COPY ",
            "COPY t (a) FROM stdin;",
            "COPY t (a,b) FROM stdin;\n",
            "COPY t (a, ) FROM stdin;\n",
            "COPY t (a FROM stdin;\n",
            "COPY t FROM stdin;\n",
            "COPY T (a) FROM stdin;\n",
            "COPY \"t (a) FROM stdin;\n",
            "COPY \"\" (a) FROM stdin;\n",
            "COPY t (a) FROM stdin;\nx",
            "DOPY t (a) FROM stdin;\n",
        ] {
            assert_eq!(columns(statement), None, "{statement:?}");
        }
    }
}
