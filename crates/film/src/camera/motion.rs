//! How a camera moves, and the words people have for it.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A movement of the camera.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Motion {
    /// Towards the scene.
    #[default]
    DollyIn,
    /// Away from the scene.
    DollyOut,
    /// To the left, along the scene.
    DollyLeft,
    /// To the right, along the scene.
    DollyRight,
    /// Upwards.
    JibUp,
    /// Downwards.
    JibDown,
    /// Not at all.
    Static,
}

/// There is no such camera move.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown camera move {name:?}; known are dolly_in, dolly_out, dolly_left, dolly_right, jib_up, jib_down, static"
)]
pub struct UnknownMotion {
    /// What was asked for.
    pub name: String,
}

/// Phrases by move. The longest phrase found in a prompt decides, of two as long the earlier one.
const PHRASES: [(Motion, &[&str]); 7] = [
    (
        Motion::DollyIn,
        &[
            "dolly in",
            "dollies in",
            "dolly forward",
            "push in",
            "pushes in",
            "pushing in",
            "push forward",
            "move in",
            "moves in",
            "moving in",
            "moving closer",
            "move closer",
            "moves closer",
            "move forward",
            "moves forward",
            "moving forward",
            "zoom in",
            "zooms in",
            "zooming in",
            "zoom into",
            "track in",
            "tracking in",
            "creep in",
            "get closer",
            "glide in",
            "glide forward",
            "glides forward",
            "fly in",
            "fly into",
            "fly forward",
            "fly through",
            "walk in",
            "walk into",
            "walk through",
            "walkthrough",
            "approach",
            "approaches",
            "approaching",
            "close in",
            "closer",
        ],
    ),
    (
        Motion::DollyOut,
        &[
            "dolly out",
            "dollies out",
            "dolly back",
            "dolly backward",
            "pull out",
            "pulls out",
            "pulling out",
            "pull back",
            "pulls back",
            "pulling back",
            "move out",
            "move back",
            "moves back",
            "move backward",
            "moving back",
            "moves away",
            "move away",
            "moving away",
            "zoom out",
            "zooms out",
            "zooming out",
            "track out",
            "back away",
            "backs away",
            "glide back",
            "fly out",
            "fly away",
            "reveal",
            "reveals",
            "widen",
            "widens",
            "retreat",
        ],
    ),
    (
        Motion::DollyLeft,
        &[
            "dolly left",
            "dolly to the left",
            "pan left",
            "pans left",
            "panning left",
            "pan to the left",
            "track left",
            "tracks left",
            "tracking left",
            "truck left",
            "slide left",
            "slides left",
            "sliding left",
            "slide to the left",
            "move left",
            "moves left",
            "moving left",
            "move to the left",
            "glide left",
            "glides left",
            "travel left",
            "right to left",
            "leftward",
            "leftwards",
            "to the left",
        ],
    ),
    (
        Motion::DollyRight,
        &[
            "dolly right",
            "dolly to the right",
            "pan right",
            "pans right",
            "panning right",
            "pan to the right",
            "track right",
            "tracks right",
            "tracking right",
            "truck right",
            "slide right",
            "slides right",
            "sliding right",
            "slide to the right",
            "move right",
            "moves right",
            "moving right",
            "move to the right",
            "glide right",
            "glides right",
            "travel right",
            "left to right",
            "rightward",
            "rightwards",
            "to the right",
            "pan",
            "panning",
            "truck",
            "slider",
        ],
    ),
    (
        Motion::JibUp,
        &[
            "jib up",
            "crane up",
            "cranes up",
            "boom up",
            "pedestal up",
            "tilt up",
            "tilts up",
            "pan up",
            "pans up",
            "move up",
            "moves up",
            "moving up",
            "rise",
            "rises",
            "rising",
            "ascend",
            "ascends",
            "ascending",
            "lift",
            "lifts up",
            "lift up",
            "fly up",
            "drone up",
            "upward",
            "upwards",
            "take off",
            "takes off",
            "crane shot",
        ],
    ),
    (
        Motion::JibDown,
        &[
            "jib down",
            "crane down",
            "cranes down",
            "boom down",
            "pedestal down",
            "tilt down",
            "tilts down",
            "pan down",
            "pans down",
            "move down",
            "moves down",
            "moving down",
            "descend",
            "descends",
            "descending",
            "lower",
            "lowers",
            "lowering",
            "sink",
            "sinks",
            "fly down",
            "drone down",
            "downward",
            "downwards",
            "drop down",
        ],
    ),
    (
        Motion::Static,
        &[
            "static",
            "static shot",
            "static camera",
            "still camera",
            "camera is still",
            "locked off",
            "locked off shot",
            "fixed camera",
            "no camera movement",
            "no camera motion",
            "no movement",
            "no motion",
            "tripod",
            "camera does not move",
            "camera stays still",
            "motionless",
        ],
    ),
];

impl Motion {
    /// Every move.
    pub const ALL: [Self; 7] = [
        Self::DollyIn,
        Self::DollyOut,
        Self::DollyLeft,
        Self::DollyRight,
        Self::JibUp,
        Self::JibDown,
        Self::Static,
    ];

    /// The move as it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DollyIn => "dolly_in",
            Self::DollyOut => "dolly_out",
            Self::DollyLeft => "dolly_left",
            Self::DollyRight => "dolly_right",
            Self::JibUp => "jib_up",
            Self::JibDown => "jib_down",
            Self::Static => "static",
        }
    }

    /// The move that the words of a prompt ask for, or nothing if they ask for none.
    #[must_use]
    pub fn from_prompt(prompt: &str) -> Option<Self> {
        let prompt = words_of(prompt);
        let found = PHRASES
            .iter()
            .flat_map(|(motion, phrases)| phrases.iter().map(move |phrase| (*motion, *phrase)));
        found
            .filter_map(|(motion, phrase)| {
                let at = prompt.find(&format!(" {phrase} "))?;
                Some((phrase.split(' ').count(), usize::MAX - at, phrase.len(), motion))
            })
            .max_by_key(|&(words, early, length, _)| (words, early, length))
            .map(|(.., motion)| motion)
    }
}

/// The words of a prompt in lower case, one space before and after each.
fn words_of(prompt: &str) -> String {
    let mut words = String::from(" ");
    for word in prompt.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        words.push_str(&word.to_lowercase());
        words.push(' ');
    }
    words
}

impl fmt::Display for Motion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Motion {
    type Err = UnknownMotion;

    fn from_str(name: &str) -> Result<Self, UnknownMotion> {
        let known = Self::ALL.into_iter().find(|motion| motion.as_str() == name);
        known.ok_or_else(|| UnknownMotion { name: name.chars().take(80).collect() })
    }
}
