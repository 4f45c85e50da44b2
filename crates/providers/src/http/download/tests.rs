use super::*;

fn headers(named: &[(&'static str, &str)]) -> HeaderMap {
    let value = |text: &str| text.parse().expect("a value");
    named.iter().map(|(name, text)| (name.parse().expect("a name"), value(text))).collect()
}

async fn read(chunks: &[&'static str], check: Check) -> Result<String, String> {
    let chunks: Vec<_> =
        chunks.iter().map(|chunk| Ok(Bytes::from_static(chunk.as_bytes()))).collect();
    let mut bytes = whole(stream::iter(chunks).boxed(), check, Duration::from_secs(1));
    let mut text = Vec::new();
    while let Some(chunk) = bytes.next().await {
        text.extend_from_slice(&chunk.map_err(|error| error.to_string())?);
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn announced(announced: u64) -> Check {
    Check::of(&headers(&[("content-length", &announced.to_string())]), MAX_CLIP_BYTES)
        .expect("not too much")
}

#[tokio::test]
async fn a_stream_of_another_length_than_announced_breaks() {
    assert_eq!(read(&["ab", "c"], announced(3)).await, Ok("abc".to_owned()));
    assert_eq!(read(&["ab"], announced(3)).await, Err("2 of 3 bytes came".to_owned()));
    assert_eq!(read(&["ab", "cd"], announced(3)).await, Err("4 of 3 bytes came".to_owned()));
}

#[tokio::test]
async fn a_stream_of_more_than_is_taken_breaks() {
    let most = |named, most| Check::of(&headers(named), most);
    let unannounced = || most(&[], 3).expect("nothing announced");

    assert_eq!(read(&["ab", "c"], unannounced()).await, Ok("abc".to_owned()));
    assert_eq!(read(&["ab", "cd"], unannounced()).await, Err("more than 3 bytes".to_owned()));
    assert!(most(&[("content-length", "3")], 3).is_ok());
    let refused = most(&[("content-length", "4")], 3).err().expect("too much");
    assert_eq!(refused.to_string(), "more than 3 bytes");
}

#[tokio::test]
async fn a_stream_that_stands_still_breaks() {
    let mut bytes = whole(stream::pending().boxed(), announced(1), Duration::from_millis(30));

    let fault = bytes.next().await.expect("an end").expect_err("nothing came");

    assert_eq!(fault.to_string(), "nothing came for 30ms");
}

#[tokio::test]
async fn a_checksum_is_checked_where_there_is_one() {
    let check = |named| {
        let check = Check::of(&headers(named), MAX_CLIP_BYTES).expect("not too much");
        assert!(check.md5.is_some());
        check
    };
    let good = [("content-md5", "kAFQmDzST7DWlj99KOF/cg==")];
    let google = [("x-goog-hash", "crc32c=n03x6A==,md5=kAFQmDzST7DWlj99KOF/cg==")];

    assert_eq!(read(&["a", "bc"], check(&good)).await, Ok("abc".to_owned()));
    assert_eq!(read(&["abc"], check(&google)).await, Ok("abc".to_owned()));
    assert!(read(&["abd"], check(&google)).await.is_err());
}

#[test]
fn a_checksum_of_other_bytes_is_left_alone() {
    let md5 = ("x-goog-hash", "md5=kAFQmDzST7DWlj99KOF/cg==");

    assert!(md5_of(&headers(&[md5])).is_some());
    assert_eq!(md5_of(&headers(&[md5, ("x-goog-stored-content-encoding", "gzip")])), None);
    assert_eq!(md5_of(&headers(&[("content-md5", "short")])), None);
}

#[test]
fn messages_are_told_from_clips() {
    let typed = |text| headers(&[("content-type", text)]);

    assert!(is_clip(&typed("video/mp4")));
    assert!(is_clip(&typed("Application/Octet-Stream")));
    assert!(!is_clip(&typed("application/json; charset=utf-8")));
    assert!(is_text("application/problem+json"));
}
