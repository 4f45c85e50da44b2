//! What a download gets.

use std::time::Duration;

use fake_providers::{Download, Name, Switches, sized_content};
use futures::StreamExt as _;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, RANGE};
use serde_json::json;

use crate::visitor::{CLIP, Visitor, text};

async fn visitor(download: Download) -> Visitor {
    Visitor::to(Name::Ltx, Switches { download, ..Switches::default() }).await
}

/// The URL that a look at the only order gives.
async fn url(visitor: &Visitor) -> String {
    if visitor.fake.orders(Name::Ltx).is_empty() {
        assert_eq!(visitor.order(json!({})).await.0, 202);
    }
    let id = visitor.fake.orders(Name::Ltx).remove(0).id;
    let (_, look) = visitor.get(&format!("/v2/image-to-video/{id}")).await;
    text(&look["result"]["video_url"]).to_owned()
}

#[tokio::test]
async fn a_clip_can_be_fetched_in_parts() {
    let visitor = visitor(Download::Whole).await;
    let url = url(&visitor).await;

    let whole = visitor.fetch(&url).await;
    assert_eq!(whole.headers()[CONTENT_LENGTH], CLIP.len().to_string().as_str());
    let etag = whole.headers()[ETAG].clone();
    let part = |etag: &str| {
        visitor.http.get(&url).header(RANGE, "bytes=4-7").header("if-range", etag).send()
    };
    let same = part(etag.to_str().expect("text")).await.expect("an answer");
    assert_eq!(same.status(), 206);
    assert_eq!(same.headers()[CONTENT_RANGE], format!("bytes 4-7/{}", CLIP.len()).as_str());
    assert_eq!(same.bytes().await.expect("a part"), CLIP[4..8]);
    assert_eq!(part("\"other\"").await.expect("an answer").status(), 200);
    let beyond = visitor.http.get(&url).header(RANGE, "bytes=999-").send().await;
    assert_eq!(beyond.expect("an answer").status(), 416);
}

#[tokio::test]
async fn a_url_stands_alone() {
    let visitor = visitor(Download::Whole).await;
    let url = url(&visitor).await;

    assert_eq!(visitor.ask(reqwest::Method::GET, &url).send().await.expect("some").status(), 400);
    assert!(visitor.fake.calls(Name::Ltx).last().expect("calls").had_authorization);
    assert_eq!(visitor.fetch(&url.replace("expires=1", "expires=9")).await.status(), 403);
}

#[tokio::test]
async fn an_expired_url_stays_so_and_a_fresh_one_works() {
    let visitor = visitor(Download::Expired { status: 403, expire_first: Some(1) }).await;
    let (first, second) = (url(&visitor).await, url(&visitor).await);

    assert_eq!(visitor.fetch(&first).await.status(), 403);
    assert_eq!(visitor.fetch(&first).await.status(), 403);
    assert_eq!(visitor.fetch(&second).await.status(), 200);
}

#[tokio::test]
async fn a_clip_may_end_early() {
    let visitor = visitor(Download::Truncated).await;
    let url = url(&visitor).await;

    let truncated = visitor.fetch(&url).await;
    assert_eq!(truncated.headers()[CONTENT_LENGTH], CLIP.len().to_string().as_str());
    assert!(truncated.bytes().await.is_err());
    visitor.fake.change(Name::Ltx, |switches| switches.download = Download::WrongLength);
    let short = visitor.fetch(&url).await.bytes().await.expect("half of a clip");
    assert_eq!(short, CLIP[..CLIP.len() / 2]);
}

#[tokio::test]
async fn a_page_may_come_so_many_times() {
    let visitor = visitor(Download::Html).await;
    visitor.fake.change(Name::Ltx, |switches| switches.download_times = Some(1));
    let url = url(&visitor).await;

    let page = visitor.fetch(&url).await;
    assert_eq!(
        (page.status().as_u16(), page.headers()["content-type"].as_bytes()),
        (200, &b"text/html; charset=utf-8"[..])
    );
    assert_eq!(visitor.fetch(&url).await.bytes().await.expect("a clip"), CLIP);
}

#[tokio::test]
async fn much_is_streamed() {
    const SIZE: u64 = 50 * 1024 * 1024;
    let visitor = visitor(Download::Sized(SIZE)).await;
    let url = url(&visitor).await;

    let response = visitor.fetch(&url).await;
    assert_eq!(response.headers()[CONTENT_LENGTH], SIZE.to_string().as_str());
    let mut pieces = response.bytes_stream();
    let mut at = 0;
    while let Some(piece) = pieces.next().await {
        let piece = piece.expect("a piece");
        at += piece.len() as u64;
        let tail = at.saturating_sub(16).max(at - piece.len() as u64);
        assert!(piece.ends_with(&sized_content(tail..at)));
    }
    assert_eq!(at, SIZE);
    let part =
        visitor.http.get(&url).header(RANGE, "bytes=1000-1999").timeout(Duration::from_secs(5));
    let part = part.send().await.expect("an answer").bytes().await.expect("a part");
    assert_eq!(part, sized_content(1000..2000));
}
