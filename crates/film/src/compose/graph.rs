//! The one pass of `ffmpeg`, as its arguments. Words of strangers are pictures by now and files are arguments of their
//! own, so nothing but numbers of ours is written into the filter graph.

use crate::encoding::Encoding;
use crate::ffmpeg::{MediaInfo, file, input};
use crate::overlay::{Layer, Stage};
use std::ffi::OsString;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// How a music fades in, so that it does not begin with a click, in seconds.
const FADE_IN: f64 = 0.05;

/// What is heard.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Sound {
    /// Nothing.
    None,
    /// What the clip has, untouched.
    Kept,
    /// What the clip has, encoded anew.
    Encoded,
    /// A file of its own.
    Music { path: PathBuf, repeated: bool, fade_secs: f64 },
}

impl Sound {
    pub(super) fn of_clip(base: &MediaInfo) -> Self {
        match base.audio_codec.as_deref() {
            None => Self::None,
            Some("aac") => Self::Kept,
            Some(_) => Self::Encoded,
        }
    }
}

/// Everything the pass needs.
pub(super) struct Pass<'a> {
    pub(super) base: &'a Path,
    pub(super) layers: &'a [Layer],
    pub(super) sound: Sound,
    pub(super) stage: Stage,
    pub(super) encoding: &'a Encoding,
    pub(super) work: &'a Path,
    pub(super) out: &'a Path,
    pub(super) poster: &'a Path,
}

/// Where the frames of a layer are.
pub(super) fn layer_path(work: &Path, layer: &Layer) -> PathBuf {
    work.join(format!("{}.yuva", layer.name))
}

impl Pass<'_> {
    pub(super) fn arguments(&self) -> Vec<OsString> {
        let mut arguments = Vec::from(input(self.base));
        for layer in self.layers {
            arguments.extend(self.layer_input(layer));
        }
        if let Sound::Music { path, repeated, .. } = &self.sound {
            arguments.extend(words(if *repeated { &["-stream_loop", "-1"] } else { &[] }));
            arguments.extend(input(path));
        }
        arguments.extend(["-filter_complex".into(), self.graph().into()]);
        arguments.extend(self.video_output());
        arguments.extend(self.poster_output());
        arguments
    }

    fn layer_input(&self, layer: &Layer) -> Vec<OsString> {
        let (size, rate) =
            (format!("{}x{}", layer.width, layer.height), self.stage.rate.to_string());
        let mut arguments =
            words(&["-f", "rawvideo", "-pix_fmt", "yuva420p", "-video_size", &size]);
        arguments.extend(words(&["-framerate", &rate, "-i"]));
        arguments.push(file(&layer_path(self.work, layer)));
        arguments
    }

    fn graph(&self) -> String {
        let mut graph = String::new();
        let mut below = "0:v:0".to_owned();
        for (index, layer) in self.layers.iter().enumerate() {
            let input = index + 1;
            let above = format!("v{input}");
            add(&mut graph, &format!("[{input}:v]{}[s{input}];", timing(layer)));
            // After its last frame a picture is repeated if it stays, or else not laid over any more.
            let after = if layer.vanish == 0 { "repeat" } else { "pass" };
            add(
                &mut graph,
                &format!(
                    "[{below}][s{input}]overlay=x={}:y={}:eof_action={after}[{above}];",
                    layer.x, layer.y
                ),
            );
            below = above;
        }
        let poster = self.stage.poster_frame(self.layers);
        add(
            &mut graph,
            &format!(
                "[{below}]split=2[video][still];[still]select=eq(n\\,{poster}),\
                 scale=in_color_matrix=bt709:out_color_matrix=bt601:in_range=tv:out_range=pc,format=yuvj420p[poster]"
            ),
        );
        if let Sound::Music { fade_secs, .. } = self.sound {
            add(&mut graph, &self.music(fade_secs));
        }
        graph
    }

    fn music(&self, fade_secs: f64) -> String {
        let (input, seconds) = (self.layers.len() + 1, self.stage.seconds());
        let fade_at = (seconds - fade_secs).max(0.0);
        format!(
            ";[{input}:a:0]atrim=duration={seconds:.6},asetpts=PTS-STARTPTS,afade=t=in:d={FADE_IN},\
             afade=t=out:st={fade_at:.6}:d={fade_secs:.6}[audio]"
        )
    }

    fn video_output(&self) -> Vec<OsString> {
        let mut arguments = words(&["-map", "[video]", "-fps_mode", "passthrough"]);
        arguments.extend(self.encoding.video_arguments());
        match self.sound {
            Sound::None => arguments.extend(words(&["-an"])),
            Sound::Kept => arguments.extend(words(&["-map", "0:a:0", "-c:a", "copy"])),
            Sound::Encoded => {
                arguments.extend(words(&["-map", "0:a:0"]));
                arguments.extend(self.encoding.audio_arguments());
            }
            Sound::Music { .. } => {
                arguments.extend(words(&["-map", "[audio]"]));
                arguments.extend(self.encoding.audio_arguments());
            }
        }
        arguments.extend(self.encoding.container_arguments());
        arguments.push(file(self.out));
        arguments
    }

    fn poster_output(&self) -> Vec<OsString> {
        let mut arguments =
            words(&["-map", "[poster]", "-frames:v", "1", "-c:v", "mjpeg", "-q:v", "2"]);
        arguments.extend(words(&["-flags:v", "+bitexact", "-f", "mjpeg"]));
        arguments.push(file(self.poster));
        arguments
    }
}

/// The frames of a layer at their times: those in which it appears, the last of them for as long as it stays, then
/// those in which it vanishes.
fn timing(layer: &Layer) -> String {
    let mut timing = String::new();
    if layer.hold > 0 {
        add(&mut timing, &format!("loop=loop={}:size=1:start={},", layer.hold, layer.appear - 1));
    }
    add(&mut timing, &format!("setpts=N+{}", layer.start));
    timing
}

fn add(graph: &mut String, part: &str) {
    graph.write_str(part).expect("a string takes every character");
}

fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}
