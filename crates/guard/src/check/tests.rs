use super::GuardRefusal::{Credentials, NotAnAddress, NotHttps, NotPublic, TooLong};
use super::*;

fn assert_refused(cases: &[(&str, GuardRefusal)]) {
    for (text, why) in cases {
        assert_eq!(Guard::STRICT.check(text), Err(*why), "{text}");
    }
}

fn assert_not_public(texts: &[&str]) {
    for text in texts {
        assert_eq!(Guard::STRICT.check(text), Err(NotPublic), "{text}");
        assert_eq!(Guard::STRICT.check_any_length(text), Err(NotPublic), "{text}");
    }
}

fn root(text: &str) -> Url {
    Url::parse(text).expect("an address")
}

#[test]
fn public_https_is_let_through() {
    let passed = [
        ("https://example.com/a.mp4?sig=1", "https://example.com/a.mp4?sig=1"),
        ("  HTTPS://Example.COM:8443/a b \n", "https://example.com:8443/a%20b"),
        ("https://example.com./", "https://example.com./"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://8.8.8.8/", "https://8.8.8.8/"),
        ("https://[2606:4700::1]/", "https://[2606:4700::1]/"),
        ("https://example.com/@user:password", "https://example.com/@user:password"),
    ];

    for (text, url) in passed {
        assert_eq!(Guard::STRICT.check(text).map(String::from), Ok(url.to_owned()));
    }
}

#[test]
fn every_scheme_but_https_is_refused() {
    for scheme in ["http", "ftp", "ws", "wss", "gopher", "dict", "ldap", "sftp", "file", "blob"] {
        let text = format!("{scheme}://example.com/");
        assert_eq!(Guard::STRICT.check(&text), Err(NotHttps), "{text}");
    }
    assert_refused(&[
        ("http://169.254.169.254/latest/meta-data", NotHttps),
        ("file:///etc/passwd", NotHttps),
        ("data:image/png;base64,AAAA", NotHttps),
        ("javascript:alert(1)", NotHttps),
        ("blob:https://example.com/1", NotHttps),
        ("example.com:443/a", NotHttps),
        ("urn:isbn:0", NotHttps),
    ]);
}

#[test]
fn what_is_no_address_is_refused() {
    assert_refused(&[
        ("", NotAnAddress),
        ("nothing", NotAnAddress),
        ("//example.com/", NotAnAddress),
        ("https://", NotAnAddress),
        ("https://example.com:99999/", NotAnAddress),
        ("https://1.2.3.256/", NotAnAddress),
        ("https://[::1/", NotAnAddress),
        ("https://[fe80::1%25eth0]/", NotAnAddress),
        ("https://exa mple.com/", NotAnAddress),
        ("https://exa%00mple.com/", NotAnAddress),
    ]);
}

#[test]
fn an_address_has_2048_characters_at_most() {
    let of = |chars: usize| format!("https://example.com/{}", "ä".repeat(chars - 20));

    assert!(Guard::STRICT.check(&of(MAX_CHARS)).is_ok());
    assert_eq!(Guard::STRICT.check(&of(MAX_CHARS + 1)), Err(TooLong));
    assert!(Guard::STRICT.check_any_length(&of(MAX_CHARS + 1)).is_ok());
}

#[test]
fn credentials_are_refused() {
    assert_refused(&[
        ("https://user:pass@example.com/", Credentials),
        ("https://user@example.com/", Credentials),
        ("https://:pass@example.com/", Credentials),
        ("https://@example.com/", Credentials),
        ("https://:@example.com/", Credentials),
        ("https://example.com@8.8.8.8/", Credentials),
        ("https://example.com:443@127.0.0.1/", Credentials),
        ("https://a@b@example.com/", Credentials),
    ]);
}

#[test]
fn what_readers_of_addresses_take_differently_is_refused() {
    assert_refused(&[
        ("https://example.com\\@127.0.0.1/", NotAnAddress),
        ("https:\\\\example.com/", NotAnAddress),
        ("https:example.com/", NotAnAddress),
        ("https:/example.com/", NotAnAddress),
        ("https:///example.com/", NotAnAddress),
        ("https:example.com/a://b", NotAnAddress),
        ("https://exam\tple.com/", NotAnAddress),
        ("https://example.com/\r\nhost: inside", NotAnAddress),
        ("ht\ntps://example.com/", NotAnAddress),
    ]);
}

#[test]
fn a_fragment_is_neither_a_host_nor_kept() {
    let checked = |text: &str| Guard::STRICT.check(text).map(String::from);

    assert_eq!(checked("https://example.com#@127.0.0.1/"), Ok("https://example.com/".to_owned()));
    assert_eq!(checked("https://example.com/a#b"), Ok("https://example.com/a".to_owned()));
    assert_eq!(checked("https://127.0.0.1#@example.com/"), Err(NotPublic));
    assert_eq!(checked("https://127.0.0.1?@example.com/"), Err(NotPublic));
}

#[test]
fn an_address_inside_is_refused_however_its_figures_are_written() {
    assert_not_public(&[
        "https://169.254.169.254/",
        "https://127.0.0.1/",
        "https://127.0.0.1./",
        "https://2130706433/",
        "https://017700000001/",
        "https://0x7f000001/",
        "https://0X7F.0.0.1/",
        "https://0177.0.0.1/",
        "https://0177.0x0.0.01/",
        "https://127.1/",
        "https://127.0.1/",
        "https://0x7f.1/",
        "https://0/",
        "https://10.1:8443/",
        "https://2852039166/",
    ]);
    assert_not_public(&[
        "https://[::1]/",
        "https://[::]/",
        "https://[0:0:0:0:0:0:0:1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[::FFFF:7F00:1]/",
        "https://[::127.0.0.1]/",
        "https://[64:ff9b::10.0.0.1]/",
        "https://[fd00:ec2::254]/",
    ]);
}

#[test]
fn an_address_inside_is_refused_in_whatever_script() {
    assert_not_public(&[
        "https://127%2e0%2e0%2e1/",
        "https://%31%32%37.0.0.1/",
        "https://①②⑦.⓪.⓪.①/",
        "https://１２７。０。０。１/",
        "https://169｡254｡169｡254/",
        "https://127.0.0.1%2e/",
        "https://loc\u{ad}alhost/",
        "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
        "https://%6cocalhost/",
    ]);
}

#[test]
fn a_name_inside_is_refused() {
    assert_not_public(&[
        "https://localhost/",
        "https://LocalHost:8443/",
        "https://a.LOCALHOST./",
        "https://localhost../",
        "https://backend/",
        "https://metadata.google.internal/",
        "https://printer.local/",
    ]);
}

#[test]
fn with_loopback_this_machine_is_allowed_and_nothing_else() {
    let local = Guard::with_loopback();

    for text in ["http://127.0.0.1:9/clip.mp4", "https://[::1]/", "http://a.localhost:9/"] {
        assert!(local.check(text).is_ok(), "{text}");
    }
    assert_eq!(local.check("http://10.0.0.1/"), Err(NotHttps));
    assert_eq!(local.check("https://10.0.0.1/"), Err(NotPublic));
    assert_eq!(local.check("http://0.0.0.0/"), Err(NotHttps));
    assert_eq!(local.check("https://[::ffff:127.0.0.1]/"), Err(NotPublic));
    assert_eq!(local.check("http://example.com/"), Err(NotHttps));
    assert_eq!(local.check("ftp://127.0.0.1/"), Err(NotHttps));
    assert_eq!(local.check("http://user@127.0.0.1/"), Err(Credentials));
}

#[test]
fn beside_a_provider_on_this_machine_loopback_is_allowed() {
    let beside = |text: &str| Guard::beside([&root(text)].into_iter());

    assert_eq!(beside("http://127.0.0.1:4010/ltx"), Guard::with_loopback());
    assert_eq!(beside("https://127.0.0.1"), Guard::STRICT);
    assert_eq!(beside("http://10.0.0.1"), Guard::STRICT);
}

#[test]
fn from_outside_nothing_leads_inside() {
    let local = Guard::with_loopback();

    assert_eq!(local.beyond(&root("http://127.0.0.1:9/")), local);
    assert_eq!(local.beyond(&root("https://example.com/")), Guard::STRICT);
    assert_eq!(Guard::STRICT.beyond(&root("http://127.0.0.1:9/")), Guard::STRICT);
}

#[test]
fn no_refusal_repeats_the_address() {
    for text in ["https://user:secret@secret.example/", "http://secret.example/", "secret"] {
        let refusal = Guard::STRICT.check(text).expect_err("refused");

        assert!(!format!("{refusal} {refusal:?}").contains("secret"));
    }
}
