//! Headers as one blob: for each the length of the name, the name, the length of the value, the value. Lengths are
//! LEB128, so that a header of a few bytes costs two bytes more.

use bytes::Bytes;

/// Writes `headers` to `out`, which is emptied first.
pub(super) fn encode(headers: &[(&'static str, Bytes)], out: &mut Vec<u8>) {
    out.clear();
    for (name, value) in headers {
        put(name.as_bytes(), out);
        put(value, out);
    }
}

/// Reads what [`encode`] wrote; none when the blob is something else. The values share the blob's memory.
pub(super) fn decode(mut blob: Bytes) -> Option<Vec<(String, Bytes)>> {
    let mut headers = Vec::new();
    while !blob.is_empty() {
        let name = std::str::from_utf8(&take(&mut blob)?).ok()?.to_owned();
        headers.push((name, take(&mut blob)?));
    }
    Some(headers)
}

fn put(bytes: &[u8], out: &mut Vec<u8>) {
    let mut left = bytes.len();
    while left >= 0x80 {
        out.push(left as u8 | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
    out.extend_from_slice(bytes);
}

fn take(blob: &mut Bytes) -> Option<Bytes> {
    let mut length = 0_usize;
    // Five bytes are more than any blob's length needs.
    for digit in 0..5 {
        let byte = *blob.get(digit)?;
        length |= usize::from(byte & 0x7f) << (7 * digit);
        if byte & 0x80 == 0 {
            let end = length.checked_add(digit + 1)?;
            return (end <= blob.len()).then(|| blob.split_to(end).slice(digit + 1..));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn headers_come_back(values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..8)) {
            let headers: Vec<_> = values.into_iter().zip(["a", "traceparent", "", "lab", "x", "y", "z", "w"])
                .map(|(value, name)| (name, Bytes::from(value))).collect();
            let mut blob = Vec::new();
            encode(&headers, &mut blob);
            let owned: Vec<_> = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            prop_assert_eq!(decode(Bytes::from(blob)), Some(owned));
        }

        #[test]
        fn any_bytes_are_read_or_refused(blob in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(Bytes::from(blob));
        }
    }

    #[test]
    fn a_blob_cut_short_is_refused() {
        let mut blob = Vec::new();
        encode(&[("lab", Bytes::from(vec![7; 300]))], &mut blob);
        for cut in 1..blob.len() {
            assert_eq!(decode(Bytes::copy_from_slice(&blob[..cut])), None, "cut after {cut}");
        }
    }
}
