use super::*;
use crate::camera::{CameraMove, Motion, film_photo};
use crate::encoding::Preset;
use std::ffi::OsString;
use tempfile::{TempDir, tempdir};

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../samples");

struct Bench {
    folder: TempDir,
    ffmpeg: Ffmpeg,
}

impl Bench {
    /// A folder with a clip of one second, 320 by 180.
    async fn new() -> Self {
        let bench = Self {
            folder: tempdir().expect("folder"),
            ffmpeg: Ffmpeg::find().expect("ffmpeg is installed"),
        };
        let shot = CameraMove {
            motion: Motion::Static,
            duration_secs: 1,
            width: 320,
            height: 180,
            fps: 24,
        };
        let photo = image::RgbImage::from_pixel(320, 180, image::Rgb([120, 140, 160]));
        photo.save(bench.path("photo.png")).expect("saved");
        film_photo(&bench.ffmpeg, &bench.path("photo.png"), &shot, &bench.path("base.mp4"))
            .await
            .expect("filmed");
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: &str) -> PathBuf {
        std::fs::write(self.path(name), content).expect("written");
        self.path(name)
    }

    async fn compose(&self, branding: &Branding) -> Result<Rendered, ComposeError> {
        let encoding = Encoding { preset: Preset::Ultrafast, ..Encoding::default() };
        let (base, out, poster) =
            (self.path("base.mp4"), self.path("out.mp4"), self.path("poster.jpg"));
        compose_with(&self.ffmpeg, &encoding, &base, branding, self.folder.path(), &out, &poster)
            .await
    }

    async fn with_tone(&self, codec: &str) {
        let arguments = [
            "-f",
            "lavfi",
            "-i",
            "sine=duration=1",
            "-map",
            "0:v",
            "-map",
            "1:a",
            "-c:v",
            "copy",
            "-c:a",
            codec,
        ];
        let mut all: Vec<OsString> = vec!["-i".into(), self.path("base.mp4").into()];
        all.extend(arguments.map(OsString::from));
        all.push(self.path("heard.mp4").into());
        self.ffmpeg.run(&all, None).await.expect("muxed");
        std::fs::rename(self.path("heard.mp4"), self.path("base.mp4")).expect("renamed");
    }
}

fn sample(name: &str) -> PathBuf {
    Path::new(SAMPLES).join(name)
}

#[tokio::test]
async fn a_branded_clip_keeps_its_size_rate_and_frames() {
    let bench = Bench::new().await;
    let branding = Branding {
        title: Some("Vila São João".to_owned()),
        subtitle: Some("above the sea".to_owned()),
        logo: Some(sample("logo.png")),
        music: Some(sample("music.mp3")),
        ..Branding::default()
    };

    let rendered = bench.compose(&branding).await.expect("composed");

    let expected =
        Rendered { width: 320, height: 180, duration_ms: 1000, frames: 24, has_audio: true };
    assert_eq!(rendered, expected);
    let info = bench.ffmpeg.probe(bench.path("out.mp4")).await.expect("probed");
    assert_eq!(
        (info.video_codec.as_deref(), info.audio_codec.as_deref()),
        (Some("h264"), Some("aac"))
    );
    assert_eq!(
        (info.pix_fmt.as_deref(), info.frame_rate.map(|rate| rate.to_string())),
        (Some("yuv420p"), Some("24/1".into()))
    );
    let bytes = std::fs::read(bench.path("out.mp4")).expect("read");
    let position = |name: &[u8]| bytes.windows(4).position(|window| window == name);
    assert!(position(b"moov") < position(b"mdat"), "the index is in front");
    let left: Vec<_> = std::fs::read_dir(bench.folder.path()).expect("listed").collect();
    assert_eq!(left.len(), 4, "only photo, clip, video and poster are left: {left:?}");
}

#[tokio::test]
async fn the_poster_is_a_frame_with_the_words_on_it() {
    let bench = Bench::new().await;
    let branding = Branding { title: Some("VILLA".to_owned()), ..Branding::default() };

    bench.compose(&branding).await.expect("composed");

    let poster = image::open(bench.path("poster.jpg")).expect("a JPEG").into_rgb8();
    assert_eq!(poster.dimensions(), (320, 180));
    assert!(
        poster.pixels().any(|pixel| pixel.0.iter().all(|&sample| sample > 215)),
        "bright letters"
    );
    assert_eq!(
        poster.get_pixel(20, 20).0.map(|sample| sample / 16),
        [7, 8, 10],
        "colours above the words"
    );
}

#[tokio::test]
async fn a_clip_without_branding_is_still_a_video() {
    let bench = Bench::new().await;

    let rendered = bench.compose(&Branding::default()).await.expect("composed");

    assert_eq!((rendered.frames, rendered.has_audio), (24, false));
}

#[tokio::test]
async fn a_clip_keeps_its_own_sound_without_music() {
    for codec in ["aac", "libmp3lame"] {
        let bench = Bench::new().await;
        bench.with_tone(codec).await;

        let rendered = bench.compose(&Branding::default()).await.expect("composed");

        assert!(rendered.has_audio, "{codec}");
    }
}

#[tokio::test]
async fn a_short_music_is_repeated_to_the_end() {
    let bench = Bench::new().await;
    let music = bench.path("music.wav");
    let tone = ["-f", "lavfi", "-i", "sine=duration=0.3"].map(OsString::from);
    bench.ffmpeg.run(&[&tone[..], &[music.clone().into()]].concat(), None).await.expect("a tone");

    let rendered = bench
        .compose(&Branding { music: Some(music), ..Branding::default() })
        .await
        .expect("composed");

    assert_eq!((rendered.frames, rendered.has_audio), (24, true));
    let only_sound = bench.path("sound.wav");
    let arguments =
        ["-i".into(), bench.path("out.mp4").into(), "-vn".into(), only_sound.clone().into()];
    bench.ffmpeg.run(&arguments, None).await.expect("extracted");
    let sound = bench.ffmpeg.probe(&only_sound).await.expect("probed");
    assert!(sound.duration_ms.is_some_and(|ms| (990..1100).contains(&ms)), "{sound:?}");
}

#[tokio::test]
async fn a_logo_that_is_a_text_is_refused_by_name() {
    let bench = Bench::new().await;
    let logo = bench.write("logo.png", "I am a logo");

    let error = bench
        .compose(&Branding { logo: Some(logo), ..Branding::default() })
        .await
        .expect_err("refused");

    let ComposeError::Refused(refusal) = error else { panic!("got {error:?}") };
    assert_eq!(
        refusal.to_string(),
        r#"the logo "logo.png" cannot be used: please send a PNG, JPEG or WebP of at most 20 MB and 16 megapixels"#
    );
}

#[tokio::test]
async fn music_that_is_none_is_refused_and_playlists_are_not_followed() {
    let bench = Bench::new().await;
    let playlist = format!("#EXTM3U\n#EXTINF:10,\nfile:{SAMPLES}/music.mp3\n#EXT-X-ENDLIST\n");
    let concat = format!("ffconcat version 1.0\nfile '{SAMPLES}/music.mp3'\n");
    let of_name = |name: &str| BrandingRefusal::UnreadableMusic { name: name.to_owned() };

    for (name, content) in [("song.txt", "la la la"), ("list.mp3", &playlist), ("all.mp3", &concat)]
    {
        let music = bench.write(name, content);
        let error = bench.compose(&Branding { music: Some(music), ..Branding::default() }).await;
        assert!(
            matches!(&error, Err(ComposeError::Refused(refusal)) if *refusal == of_name(name)),
            "{error:?}"
        );
    }
    let silent = Branding { music: Some(bench.path("base.mp4")), ..Branding::default() };
    let error = bench.compose(&silent).await;
    assert!(
        matches!(&error, Err(ComposeError::Refused(refusal)) if *refusal == of_name("base.mp4")),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_file_that_should_be_there_is_a_fault() {
    let bench = Bench::new().await;
    let gone = Some(bench.path("gone"));

    let without_music =
        bench.compose(&Branding { music: gone.clone(), ..Branding::default() }).await;
    let without_logo = bench.compose(&Branding { logo: gone, ..Branding::default() }).await;

    assert!(matches!(without_music, Err(ComposeError::File { .. })), "{without_music:?}");
    assert!(matches!(without_logo, Err(ComposeError::File { .. })), "{without_logo:?}");
}

#[tokio::test]
async fn a_clip_with_sound_alone_is_no_video() {
    let bench = Bench::new().await;
    std::fs::copy(sample("music.mp3"), bench.path("base.mp4")).expect("copied");

    let error = bench.compose(&Branding::default()).await;

    assert!(matches!(error, Err(ComposeError::NotAVideo { .. })), "{error:?}");
}

#[tokio::test]
async fn words_that_cannot_be_set_are_refused_by_their_part() {
    let bench = Bench::new().await;
    let endless = Branding { subtitle: Some("olive ".repeat(100)), ..Branding::default() };
    let unknown = Branding { title: Some("Villa \u{10FFFD}".to_owned()), ..Branding::default() };

    let too_long = bench.compose(&endless).await.expect_err("too long");
    let no_font = bench.compose(&unknown).await.expect_err("no font");

    let ComposeError::Refused(too_long) = too_long else { panic!("got {too_long:?}") };
    assert!(too_long.to_string().starts_with("the subtitle has 599 characters"), "{too_long}");
    let ComposeError::Refused(no_font) = no_font else { panic!("got {no_font:?}") };
    assert!(no_font.to_string().contains("(U+10FFFD) of the title"), "{no_font}");
}

#[test]
fn fonts_are_looked_for_in_the_folder_that_was_named() {
    let branding = Branding { fonts: Some("/opt/fonts".into()), ..Branding::default() };

    assert!(format!("{:?}", fonts_of(&branding)).contains(r#"folders: ["/opt/fonts"]"#));
    assert!(format!("{:?}", fonts_of(&Branding::default())).contains("folders: []"));
}

#[tokio::test]
async fn words_are_never_read_as_filters() {
    let bench = Bench::new().await;
    let branding = Branding {
        title: Some("a';[0:v]null[x],drawbox=1:2%{pts}\\:".to_owned()),
        ..Branding::default()
    };

    let rendered = bench.compose(&branding).await.expect("composed");

    assert_eq!(rendered.frames, 24);
}
