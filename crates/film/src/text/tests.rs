use super::*;
use crate::theme::Theme;

const ROOM: TextRoom = TextRoom { width: 800.0, height: 300.0, letter_size: 60.0, centred: false };

fn title() -> TextStyle {
    Theme::default().title
}

fn drawn(text: &str) -> Lettering {
    draw(&mut Fonts::bundled_only(), text, &title(), ROOM).expect("drawn")
}

#[test]
fn a_short_title_is_one_line_at_its_full_size() {
    let lettering = drawn("Vila São João");

    assert_eq!(lettering.lines, 1);
    assert!((lettering.letter_size - 60.0).abs() < 1e-3);
    assert!(lettering.width > 300 && lettering.width < 700, "{}", lettering.width);
    assert!(lettering.height > 40 && lettering.height < 90, "{}", lettering.height);
    assert!(lettering.pixels.iter().all(|sample| (0.0..=1.0).contains(sample)));
}

#[test]
fn letters_of_every_latin_tongue_are_in_the_crate() {
    for text in
        ["Căsuța din vale", "Žluťoučký kůň", "Øresund Ærø", "Łódź", "ÇĞİŞ", "“Casa” – n° 5 €"]
    {
        assert!(drawn(text).width > 0, "{text}");
    }
}

#[test]
fn a_long_title_wraps_before_it_shrinks() {
    let lettering = drawn("A quiet house between the olive trees");

    assert!((lettering.letter_size - 60.0).abs() < 1e-3);
    assert!(lettering.lines > 1 && lettering.lines <= 3);
}

#[test]
fn nothing_leaves_its_room() {
    let long = "olive trees and the sea ".repeat(8);
    for text in [long.as_str(), &"W".repeat(60), "one\ntwo\nthree\nfour\nfive"] {
        match draw(&mut Fonts::bundled_only(), text, &title(), ROOM) {
            Ok(lettering) => {
                assert!(lettering.width as f32 <= ROOM.width + 2.0, "{text}: {}", lettering.width);
                assert!(lettering.height as f32 <= ROOM.height, "{text}: {}", lettering.height);
            }
            Err(refusal) => {
                assert!(matches!(refusal, TextRefusal::TooLong { .. }), "{text}: {refusal}");
            }
        }
    }
}

#[test]
fn two_hundred_characters_and_a_word_of_sixty_fit() {
    let long: String = "olive trees and the sea ".repeat(9).chars().take(200).collect();
    let room = TextRoom { width: 1536.0, height: 500.0, letter_size: 80.0, centred: true };

    for text in [long.as_str(), &"w".repeat(60)] {
        let lettering = draw(&mut Fonts::bundled_only(), text, &title(), room).expect("fits");
        assert!(lettering.lines <= 3 && lettering.width <= 1538, "{}", lettering.lines);
    }
}

#[test]
fn a_text_that_cannot_fit_is_refused() {
    let endless = "olive trees ".repeat(60);

    let refused = draw(&mut Fonts::bundled_only(), &endless, &title(), ROOM).expect_err("too long");

    assert_eq!(refused, TextRefusal::TooLong { characters: 720 });
}

#[test]
fn a_character_without_a_font_is_refused_with_the_package_that_has_it() {
    let refused =
        |text| draw(&mut Fonts::bundled_only(), text, &title(), ROOM).expect_err("no font");
    let no_font = |characters: &str, package| TextRefusal::NoFont {
        characters: characters.to_owned(),
        package,
    };

    assert_eq!(refused("Villa 别墅 别"), no_font("别墅", "fonts-noto-cjk"));
    assert_eq!(refused("Sunny 🌞"), no_font("🌞", "fonts-noto-color-emoji"));
    assert_eq!(
        refused("बंगला").to_string().split(':').next_back(),
        Some(" install the package fonts-noto-core")
    );
}

#[test]
fn a_font_in_a_named_folder_draws_what_those_of_the_crate_cannot() {
    let folder = tempfile::tempdir().expect("folder");
    std::fs::copy(
        "/usr/share/fonts/truetype/noto/NotoSansThai-Regular.ttf",
        folder.path().join("thai.ttf"),
    )
    .expect("the package fonts-noto-core is installed");
    let mut named = Fonts::bundled_only().with_folder(folder.path());

    let lettering = draw(&mut named, "Villa วิลล่า", &title(), ROOM).expect("drawn");
    let refused = draw(&mut named, "别墅", &title(), ROOM).expect_err("no font");

    assert!(lettering.width > drawn("Villa").width + 60, "{}", lettering.width);
    let package = "fonts-noto-cjk";
    assert_eq!(refused, TextRefusal::NoFont { characters: "别墅".to_owned(), package });
}

#[test]
fn what_is_not_to_be_seen_needs_no_font() {
    assert_eq!(drawn("Vil\u{AD}la\u{200E} Uma\u{FE0F}").lines, 1);
}

#[test]
fn control_characters_are_dropped_and_line_breaks_kept() {
    assert_eq!(
        cleaned("  Villa\u{7}\tUma \r\n\u{202E}above\n\n the sea\0 "),
        Some("Villa Uma\nabove\nthe sea".to_owned())
    );
    assert_eq!(cleaned(" \n\u{200B}\u{1B}\t"), Some("\u{200B}".to_owned()));
    assert_eq!(cleaned(" \r\n\t"), None);
}

#[test]
fn joined_letters_are_not_torn_apart() {
    assert!(script::letters_may_be_spaced("Căsuța 别墅 Дом"));
    assert!(!script::letters_may_be_spaced("فيلا"));
    assert!(!script::letters_may_be_spaced("बंगला"));
}

#[test]
fn line_breaks_are_lines_and_capitals_are_of_the_style() {
    let capitals = TextStyle { uppercase: true, ..title() };
    let two = draw(&mut Fonts::bundled_only(), "villa\numa", &title(), ROOM).expect("drawn");
    let high = draw(&mut Fonts::bundled_only(), "villa", &capitals, ROOM).expect("drawn");

    assert_eq!(two.lines, 2);
    assert!(high.width > drawn("villa").width);
}
