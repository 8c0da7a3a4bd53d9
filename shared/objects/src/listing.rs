//! What is below a prefix of a bucket: ListObjectsV2, page by page.

use std::fmt;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::byte_stream::ByteStream;
use aws_smithy_xml::decode::{Document, ScopedDecoder, XmlDecodeError, try_data};
use jiff::Timestamp;
use tokio::time::timeout;

use crate::client::{Client, is_not_now, other_region, refusal, status};
use crate::failure::{Code, Failure};
use crate::fetch::patiently;
use crate::reader::Limits;

/// Pages of 1,000 objects. Keys of that many take some ten megabytes of memory.
const MOST_PAGES: usize = 100;
/// A page of a thousand keys, each of 1,024 bytes that are encoded in three, has less than four.
const LONGEST_PAGE: usize = 8 << 20;

/// An object as a listing has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The key.
    pub key: String,
    /// Its size.
    pub bytes: u64,
    /// When it was written.
    pub modified_at: Timestamp,
    /// What changes with its content, where the listing says it.
    pub etag: Option<String>,
}

/// What a page has, and where the next one begins.
#[derive(Debug, Default)]
struct Page {
    objects: Vec<Listed>,
    next: Option<String>,
}

/// For messages: `s3://bucket/prefix*`.
struct Below<'a>(&'a str, &'a str);

impl fmt::Display for Below<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "s3://{}/{}*", self.0, self.1)
    }
}

impl Client {
    /// Every object whose key begins so, by key. One request for a thousand of them.
    ///
    /// # Errors
    /// A [`Failure`]; [`Code::TooMany`] when there are more than 100,000.
    pub async fn list(&self, bucket: &str, prefix: &str, limits: &Limits) -> Result<Vec<Listed>, Failure> {
        let what = Below(bucket, prefix);
        let mut region = self.region().to_owned();
        let mut objects = Vec::new();
        let mut next: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let mut query = vec![("encoding-type", "url"), ("list-type", "2"), ("prefix", prefix)];
            if let Some(token) = &next {
                query.insert(0, ("continuation-token", token));
            }
            let mut response = patiently(limits, || self.page(&what, &query, &region, limits)).await?;
            // A bucket of another Region says which.
            if let Some(other) = other_region(&response, &region) {
                region = other;
                response = patiently(limits, || self.page(&what, &query, &region, limits)).await?;
            }
            if status(&response) != 200 {
                return Err(refusal(&what, &response));
            }
            let text = body(&what, response, limits).await?;
            let unreadable =
                |why: &str| Failure::new(Code::Unexpected, format!("{what}: the listing cannot be read: {why}"));
            let page = read(&text).map_err(|error| unreadable(&error))?;
            objects.extend(page.objects);
            // A page that leads back to itself would never end.
            if page.next.is_some() && page.next == next {
                return Err(unreadable("it does not go on"));
            }
            next = page.next;
            if next.is_none() {
                return Ok(objects);
            }
        }
        let message = format!("{what}: there are more than {} objects; name a longer prefix", objects.len());
        Err(Failure::new(Code::TooMany, message))
    }
}

impl Client {
    /// One page, unless its answer is worth another try.
    async fn page(
        &self,
        what: &Below<'_>,
        query: &[(&str, &str)],
        region: &str,
        limits: &Limits,
    ) -> Result<HttpResponse, Failure> {
        let uri = self.listing_uri(what.0, query, region);
        let response = self.send_to("GET", uri, what, region, &[], limits.stall).await?;
        if is_not_now(status(&response)) { Err(refusal(what, &response)) } else { Ok(response) }
    }
}

/// An answer's whole body.
pub(crate) async fn body(
    what: &(dyn fmt::Display + Sync),
    response: HttpResponse,
    limits: &Limits,
) -> Result<Vec<u8>, Failure> {
    let mut body = ByteStream::new(response.into_body());
    let mut text = Vec::new();
    loop {
        match timeout(limits.stall, body.next()).await {
            Err(_) => return Err(Failure::new(Code::Stalled, format!("{what}: the answer stopped coming"))),
            Ok(None) => return Ok(text),
            Ok(Some(Err(_))) => return Err(Failure::new(Code::Truncated, format!("{what}: the answer broke off"))),
            Ok(Some(Ok(chunk))) if text.len() + chunk.len() > LONGEST_PAGE => {
                return Err(Failure::new(Code::Unexpected, format!("{what}: the answer does not end")));
            }
            Ok(Some(Ok(chunk))) => text.extend_from_slice(&chunk),
        }
    }
}

/// The XML reader takes a text that breaks off for one that ends there. What it lost would be the last keys, which are the newest where
/// keys are dated: so the page has to end, to say whether it is the last one, and to have as many objects as it counts itself.
fn read(text: &[u8]) -> Result<Page, String> {
    let text = std::str::from_utf8(text).map_err(|error| error.to_string())?;
    if !text.trim_end().ends_with("</ListBucketResult>") {
        return Err("it does not end as a listing does".to_owned());
    }
    let mut document = Document::new(text);
    let mut root = document.root_element().map_err(|error| error.to_string())?;
    if root.start_el().local() != "ListBucketResult" {
        return Err(format!("it is a {}", root.start_el().local()));
    }
    let (mut page, mut truncated, mut count, mut encoded) = (Page::default(), None, None, false);
    while let Some(mut tag) = root.next_tag() {
        match tag.start_el().local() {
            "Contents" => page.objects.push(object(&mut tag)?),
            "IsTruncated" => truncated = data(&mut tag)?.parse::<bool>().ok(),
            "KeyCount" => count = data(&mut tag)?.parse::<usize>().ok(),
            "NextContinuationToken" => page.next = Some(data(&mut tag)?),
            // Only if it says so: what ignores the wish would be decoded into other keys.
            "EncodingType" => encoded = data(&mut tag)? == "url",
            _ => {}
        }
    }
    match truncated {
        None => return Err("it does not say whether it is the last page".to_owned()),
        Some(truncated) if truncated != page.next.is_some() => return Err("it does not say where it goes on".to_owned()),
        Some(_) => {}
    }
    if count != Some(page.objects.len()) {
        let counted = count.map_or_else(|| "no number".to_owned(), |count| count.to_string());
        return Err(format!("it has {} objects and counts {counted}", page.objects.len()));
    }
    if encoded {
        for object in &mut page.objects {
            object.key = decoded(&object.key)?;
        }
    }
    Ok(page)
}

fn object(tag: &mut ScopedDecoder<'_, '_>) -> Result<Listed, String> {
    let (mut key, mut bytes, mut modified_at, mut etag) = (None, None, None, None);
    while let Some(mut field) = tag.next_tag() {
        match field.start_el().local() {
            "Key" => key = Some(data(&mut field)?),
            "Size" => bytes = data(&mut field)?.parse().ok(),
            "LastModified" => modified_at = data(&mut field)?.parse().ok(),
            "ETag" => etag = Some(data(&mut field)?),
            _ => {}
        }
    }
    let incomplete = || "an object lacks its key, size or time".to_owned();
    Ok(Listed {
        key: key.ok_or_else(incomplete)?,
        bytes: bytes.ok_or_else(incomplete)?,
        modified_at: modified_at.ok_or_else(incomplete)?,
        etag,
    })
}

pub(crate) fn data(tag: &mut ScopedDecoder<'_, '_>) -> Result<String, String> {
    try_data(tag).map(|text| text.into_owned()).map_err(|error: XmlDecodeError| error.to_string())
}

/// S3 writes keys as forms do: a space is a plus.
fn decoded(key: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(key.len());
    let mut rest = key.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next(), rest.next()].map(|digit| digit.and_then(|digit| char::from(digit).to_digit(16)));
                let [Some(high), Some(low)] = digits else { return Err(format!("{key:?} is no encoded key")) };
                u8::try_from(high * 16 + low).unwrap_or_default()
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| format!("{key:?} is no UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As in the reference of ListObjectsV2, with a key that needs its encoding.
    const PAGE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>clinic</Name><Prefix>pg/</Prefix>
<EncodingType>url</EncodingType><KeyCount>1</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>true</IsTruncated>
<NextContinuationToken>1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=</NextContinuationToken>
<Contents><Key>pg/a%2Bb+%C3%A4&amp;.dump</Key><LastModified>2026-11-20T03:20:00.000Z</LastModified>
<ETag>&quot;70ee1738b6b21e2c8a43f3a5ab0eee71&quot;</ETag><Size>434234</Size><StorageClass>STANDARD</StorageClass></Contents>
</ListBucketResult>"#;

    #[test]
    fn a_page_tells_its_objects_and_where_it_goes_on() {
        let page = read(PAGE.as_bytes()).unwrap();
        let modified_at = "2026-11-20T03:20:00Z".parse().unwrap();
        let etag = Some("\"70ee1738b6b21e2c8a43f3a5ab0eee71\"".to_owned());
        assert_eq!(page.objects, [Listed { key: "pg/a+b ä&.dump".to_owned(), bytes: 434_234, modified_at, etag }]);
        assert_eq!(page.next.as_deref(), Some("1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM="));
    }

    #[test]
    fn keys_that_are_not_encoded_are_taken_as_they_are() {
        let page = read(PAGE.replace("<EncodingType>url</EncodingType>", "").as_bytes()).unwrap();
        assert_eq!(page.objects[0].key, "pg/a%2Bb+%C3%A4&.dump");
    }

    #[test]
    fn half_a_page_is_none() {
        for (from, to) in [
            ("<NextContinuationToken>1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=</NextContinuationToken>", ""),
            ("<Size>434234</Size>", ""),
            ("<Size>434234</Size>", "<Size>-1</Size>"),
            ("2026-11-20T03:20:00.000Z", "yesterday"),
            ("%2B", "%2x"),
            ("%C3", "%FF"),
            ("ListBucketResult", "Error"),
        ] {
            assert!(PAGE.contains(from), "{from}");
            assert!(read(PAGE.replace(from, to).as_bytes()).is_err(), "{from} as {to:?}");
        }
    }

    #[test]
    fn a_page_that_breaks_off_anywhere_is_none() {
        for length in 0..PAGE.len() {
            assert!(read(&PAGE.as_bytes()[..length]).is_err(), "{}", &PAGE[..length]);
        }
    }

    #[test]
    fn a_page_has_as_many_objects_as_it_counts() {
        for (from, to) in
            [("<KeyCount>1<", "<KeyCount>2<"), ("<KeyCount>1<", "<KeyCount>one<"), ("<KeyCount>1</KeyCount>", "")]
        {
            assert!(PAGE.contains(from), "{from}");
            assert!(read(PAGE.replace(from, to).as_bytes()).is_err(), "{to}");
        }
    }

    #[test]
    fn a_page_is_the_last_only_where_it_says_so() {
        let token = "<NextContinuationToken>1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=</NextContinuationToken>";
        let page = |said: &str| read(PAGE.replace(token, "").replace("<IsTruncated>true</IsTruncated>", said).as_bytes());
        assert_eq!(page("<IsTruncated>false</IsTruncated>").unwrap().next, None);
        assert!(page("").is_err());
        assert!(page("<IsTruncated>no</IsTruncated>").is_err());
    }
}
