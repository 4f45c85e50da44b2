//! What the setter of a text has to know about its characters.

/// Control and formatting characters that have no place in a title. Joiners and direction marks stay.
pub(super) fn is_unwanted(c: char) -> bool {
    let embedding = matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    c.is_control()
        || embedding
        || matches!(c, '\u{FEFF}' | '\u{FFF9}'..='\u{FFFC}' | '\u{E0000}'..='\u{E001F}')
}

/// Characters that are to be seen nowhere: a font need not know them.
pub(super) fn draws_nothing(c: char) -> bool {
    c.is_whitespace()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}'
            | '\u{E0020}'..='\u{E007F}' | '\u{E0100}'..='\u{E01EF}')
}

/// Letters of the text stand apart; those of Arabic, of Indic scripts and the like join, and space would tear them.
pub(super) fn letters_may_be_spaced(text: &str) -> bool {
    !text.chars().any(|c| matches!(u32::from(c), 0x0590..=0x10FF | 0x1780..=0x18AF | 0xA840..=0xA8FF | 0xFB1D..=0xFDFF | 0xFE70..=0xFEFF | 0x1_0800..=0x1_1FFF))
}

/// The Debian package with fonts for a character.
pub(super) fn debian_package(c: char) -> &'static str {
    match u32::from(c) {
        0x1100..=0x11FF
        | 0x2E80..=0x9FFF
        | 0xA960..=0xA97F
        | 0xAC00..=0xD7FF
        | 0xF900..=0xFAFF
        | 0xFF00..=0xFFEF
        | 0x2_0000..=0x3_FFFF => "fonts-noto-cjk",
        0x2600..=0x27BF | 0x2B00..=0x2BFF | 0x1_F000..=0x1_FAFF => "fonts-noto-color-emoji",
        _ => "fonts-noto-core",
    }
}

/// The language whose forms of the Han characters a text wants, as a locale.
pub(super) fn locale_of(text: &str) -> &'static str {
    let any =
        |range: std::ops::RangeInclusive<u32>| text.chars().any(|c| range.contains(&u32::from(c)));
    if any(0x3040..=0x30FF) {
        "ja-JP"
    } else if any(0xAC00..=0xD7FF) {
        "ko-KR"
    } else {
        "zh-CN"
    }
}
