use super::planes::Planes;
use super::sampler::Sampler;
use super::*;
use image::{Rgb, RgbImage};
use proptest::prelude::*;
use tempfile::tempdir;

fn shot(motion: Motion, size: (u32, u32)) -> CameraMove {
    CameraMove { motion, duration_secs: 6, width: size.0, height: size.1, fps: 25 }
}

fn any_motion() -> impl Strategy<Value = Motion> {
    prop::sample::select(Motion::ALL.to_vec())
}

fn any_frame() -> impl Strategy<Value = (u32, u32)> {
    prop::sample::select(vec![(1920, 1080), (1080, 1920), (1280, 720), (720, 720)])
}

proptest! {
    #[test]
    fn the_view_never_leaves_the_photo(
        motion in any_motion(), frame in any_frame(), size in (40_u32..4000, 40_u32..4000),
        interest in (0.0..1.0, 0.0..1.0),
    ) {
        let path = CameraPath::new(&shot(motion, frame), size, interest);

        for view in (0..path.frames()).map(|index| path.viewport(index)) {
            prop_assert!(view.x >= -1e-6 && view.x + view.width <= f64::from(size.0) + 1e-6, "{view:?}");
            prop_assert!(view.y >= -1e-6 && view.y + view.height <= f64::from(size.1) + 1e-6, "{view:?}");
            let aspect = view.width / view.height * f64::from(frame.1) / f64::from(frame.0);
            prop_assert!((aspect - 1.0).abs() < 1e-9, "{view:?}");
        }
    }

    #[test]
    fn the_camera_starts_and_stops_gently_and_never_jerks(motion in any_motion(), frame in any_frame()) {
        let path = CameraPath::new(&shot(motion, frame), (3000, 2000), (0.6, 0.45));
        let views: Vec<_> = (0..path.frames()).map(|index| path.viewport(index)).collect();
        let steps: Vec<_> = views.windows(2).map(|pair| {
            [pair[1].x - pair[0].x, pair[1].y - pair[0].y, pair[1].width - pair[0].width]
        }).collect();
        let fastest = |part: usize| steps.iter().map(|step| step[part].abs()).fold(0.0, f64::max);

        for part in 0..3 {
            let top = fastest(part);
            prop_assert!(steps[0][part].abs() <= top * 0.05 + 1e-9, "starts at once: {:?}", steps[0]);
            prop_assert!(steps[steps.len() - 1][part].abs() <= top * 0.05 + 1e-9, "stops at once");
            for pair in steps.windows(2) {
                prop_assert!(pair[0][part] * pair[1][part] >= -1e-9, "turns round");
                prop_assert!((pair[1][part] - pair[0][part]).abs() <= top * 0.12 + 1e-9, "jerks");
            }
        }
    }

    #[test]
    fn any_prompt_is_read_without_trouble(prompt in ".{0,200}") {
        let _ = Motion::from_prompt(&prompt);
    }
}

#[test]
fn each_move_goes_where_its_name_says() {
    let ends = |motion| {
        let path = CameraPath::new(&shot(motion, (1920, 1080)), (3000, 2000), (0.5, 0.5));
        (path.viewport(0), path.viewport(path.frames() - 1))
    };

    let (first, last) = ends(Motion::DollyIn);
    assert!(last.width < first.width * 0.9);
    let (first, last) = ends(Motion::DollyOut);
    assert!(last.width > first.width * 1.1);
    let (first, last) = ends(Motion::DollyLeft);
    assert!(last.x < first.x - 100.0 && (last.y - first.y).abs() < 1e-9);
    let (first, last) = ends(Motion::DollyRight);
    assert!(last.x > first.x + 100.0 && (last.y - first.y).abs() < 1e-9);
    let (first, last) = ends(Motion::JibUp);
    assert!(last.y < first.y - 100.0);
    let (first, last) = ends(Motion::JibDown);
    assert!(last.y > first.y + 100.0);
    let (first, last) = ends(Motion::Static);
    assert_eq!(first, last);
}

#[test]
fn a_prompt_says_how_the_camera_moves() {
    let said = [
        ("Slow push-in towards the pool at dusk", Some(Motion::DollyIn)),
        ("gently zoom out to reveal the valley", Some(Motion::DollyOut)),
        ("Pan left along the façade", Some(Motion::DollyLeft)),
        ("the camera tracks from left to right", Some(Motion::DollyRight)),
        ("Drone RISES above the roof", Some(Motion::JibUp)),
        ("crane down to the terrace", Some(Motion::JibDown)),
        ("locked-off shot, water moving", Some(Motion::Static)),
        ("a static tripod shot, no camera movement", Some(Motion::Static)),
        ("warm light, cinematic", None),
        ("a panorama of pancakes on display", None),
        ("", None),
    ];

    for (prompt, motion) in said {
        assert_eq!(Motion::from_prompt(prompt), motion, "{prompt}");
    }
}

#[test]
fn a_motion_is_written_the_same_everywhere() {
    for motion in Motion::ALL {
        assert_eq!(motion.to_string().parse(), Ok(motion));
        assert_eq!(serde_json::to_string(&motion).expect("json"), format!("\"{motion}\""));
    }
    assert_eq!("spin".parse::<Motion>(), Err(UnknownMotion { name: "spin".to_owned() }));
}

/// A bright spot on grey.
fn spot(size: (u32, u32), centre: (f64, f64)) -> RgbImage {
    RgbImage::from_fn(size.0, size.1, |x, y| {
        let (dx, dy) = (f64::from(x) + 0.5 - centre.0, f64::from(y) + 0.5 - centre.1);
        Rgb([(60.0 + 180.0 * (-(dx * dx + dy * dy) / 128.0).exp()).round() as u8; 3])
    })
}

/// Where the spot is, by the centre of its light.
fn spot_in(luma: &[u8], width: usize) -> (f64, f64) {
    let ground = f64::from(luma[0]) + 3.0;
    let (mut x_sum, mut y_sum, mut sum) = (0.0, 0.0, 0.0);
    for (index, sample) in luma.iter().enumerate() {
        let light = (f64::from(*sample) - ground).max(0.0);
        x_sum += light * ((index % width) as f64 + 0.5);
        y_sum += light * ((index / width) as f64 + 0.5);
        sum += light;
    }
    (x_sum / sum, y_sum / sum)
}

#[test]
fn what_is_filmed_moves_as_the_path_says_to_a_twentieth_of_a_pixel() {
    for (motion, size) in [
        (Motion::DollyRight, (960, 640)),
        (Motion::DollyIn, (960, 640)),
        (Motion::JibUp, (400, 300)),
    ] {
        let shot = CameraMove { motion, duration_secs: 1, width: 320, height: 180, fps: 24 };
        let centre = (f64::from(size.0) * 0.52, f64::from(size.1) * 0.48);
        let path = CameraPath::new(&shot, size, (0.5, 0.5));
        let (planes, scale) = Planes::of(&spot(size, centre), path.tightest().width / 320.0);
        let mut sampler = Sampler::new(planes, scale, path, (320, 180));
        let mut frame = Vec::new();

        for index in 0..24 {
            sampler.draw(index, &mut frame);

            let view = path.viewport(index);
            let expected = (
                (centre.0 - view.x) / view.width * 320.0,
                (centre.1 - view.y) / view.height * 180.0,
            );
            let found = spot_in(&frame[..320 * 180], 320);
            let off = (found.0 - expected.0).hypot(found.1 - expected.1);
            assert!(off < 0.05, "{motion} frame {index}: {found:?} instead of {expected:?}");
        }
    }
}

#[test]
fn an_even_photo_stays_even_to_the_edges() {
    let shot =
        CameraMove { motion: Motion::DollyOut, duration_secs: 1, width: 64, height: 48, fps: 4 };
    let photo = RgbImage::from_pixel(101, 77, Rgb([200, 80, 40]));
    let path = CameraPath::new(&shot, (101, 77), (0.2, 0.9));
    let (planes, scale) = Planes::of(&photo, path.tightest().width / 64.0);
    let mut sampler = Sampler::new(planes, scale, path, (64, 48));
    let mut frame = Vec::new();

    sampler.draw(3, &mut frame);

    // BT.709 of (200, 80, 40): luma 104, blue 98, red 182.
    let (luma, chroma) = frame.split_at(64 * 48);
    let (blue, red) = chroma.split_at(32 * 24);
    assert!(luma.iter().all(|&sample| sample.abs_diff(104) <= 1), "{}", luma[0]);
    assert!(blue.iter().all(|&sample| sample.abs_diff(98) <= 1), "{}", blue[0]);
    assert!(red.iter().all(|&sample| sample.abs_diff(182) <= 1), "{}", red[0]);
}

#[tokio::test]
async fn a_filmed_photo_is_a_video_as_it_was_asked_for() {
    let folder = tempdir().expect("folder");
    let (photo, clip) = (folder.path().join("photo.png"), folder.path().join("clip.mp4"));
    spot((300, 400), (150.0, 200.0)).save(&photo).expect("saved");
    let ffmpeg = Ffmpeg::find().expect("ffmpeg is installed");
    let shot =
        CameraMove { motion: Motion::JibUp, duration_secs: 1, width: 320, height: 180, fps: 24 };

    film_photo(&ffmpeg, &photo, &shot, &clip).await.expect("filmed");

    let info = ffmpeg.probe(&clip).await.expect("probed");
    assert_eq!(
        (info.width, info.height, info.frames, info.duration_ms),
        (320, 180, Some(24), Some(1000))
    );
    assert_eq!(
        (info.video_codec.as_deref(), info.pix_fmt.as_deref()),
        (Some("h264"), Some("yuv420p"))
    );
    assert!(!info.has_audio);
}

#[tokio::test]
async fn a_shot_that_cannot_be_made_is_said_to_be_none() {
    let ffmpeg = Ffmpeg::new("ffmpeg", "ffprobe");
    let odd =
        CameraMove { motion: Motion::Static, duration_secs: 1, width: 321, height: 180, fps: 24 };

    let error = film_photo(&ffmpeg, Path::new("photo.jpg"), &odd, Path::new("clip.mp4"))
        .await
        .expect_err("odd");

    assert_eq!(error.to_string(), "cannot film 1 s of 321x180 at 24 frames per second");
}

#[tokio::test]
async fn a_photo_that_is_none_is_refused() {
    let folder = tempdir().expect("folder");
    let photo = folder.path().join("photo.jpg");
    std::fs::write(&photo, "not a photo").expect("written");
    let ffmpeg = Ffmpeg::new("ffmpeg", "ffprobe");

    let error =
        film_photo(&ffmpeg, &photo, &shot(Motion::Static, (320, 180)), Path::new("clip.mp4")).await;

    assert!(matches!(error, Err(FilmError::Photo(PhotoRefusal::NotAPhoto))), "{error:?}");
}
