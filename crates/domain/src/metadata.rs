//! What goes with a stored object as its user metadata, so that the row of a job can always be
//! told from its objects. Names are in lower case, values in ASCII.

use std::collections::HashMap;

use crate::{ClipMade, Photo, RenderId, Resolution, VideoMade};

type Metadata = HashMap<String, String>;

fn metadata<const N: usize>(entries: [(&str, String); N]) -> Metadata {
    entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn number<T: std::str::FromStr>(metadata: &Metadata, name: &str) -> Option<T> {
    metadata.get(name)?.parse().ok()
}

impl Photo {
    /// What to store with the photo.
    pub fn to_metadata(&self) -> Metadata {
        metadata([
            ("width", self.width.to_string()),
            ("height", self.height.to_string()),
            ("worked-ms", self.worked_ms.to_string()),
        ])
    }

    /// The photo that `metadata` was stored with; none if that was not ours.
    pub fn from_metadata(metadata: &Metadata) -> Option<Self> {
        Some(Self {
            width: number(metadata, "width")?,
            height: number(metadata, "height")?,
            worked_ms: number(metadata, "worked-ms")?,
        })
    }
}

impl ClipMade {
    /// What to store with the clip.
    pub fn to_metadata(&self) -> Metadata {
        metadata([
            ("provider", self.provider.clone()),
            ("ltx-job-id", self.provider_job.clone()),
            ("duration", self.duration_secs.to_string()),
            ("resolution", self.resolution.to_string()),
            ("worked-ms", self.worked_ms.to_string()),
        ])
    }

    /// The clip that `metadata` was stored with; none if that was not ours.
    pub fn from_metadata(metadata: &Metadata) -> Option<Self> {
        Some(Self {
            provider: metadata.get("provider")?.clone(),
            provider_job: metadata.get("ltx-job-id")?.clone(),
            duration_secs: number(metadata, "duration")?,
            resolution: Resolution::parse(metadata.get("resolution")?).ok()?,
            worked_ms: number(metadata, "worked-ms")?,
        })
    }
}

impl VideoMade {
    /// What to store with the video.
    pub fn to_metadata(&self) -> Metadata {
        metadata([
            ("render-id", self.render_id.to_string()),
            ("duration-ms", self.duration_ms.to_string()),
            ("worked-ms", self.worked_ms.to_string()),
        ])
    }

    /// The video that `metadata` was stored with; none if that was not ours.
    pub fn from_metadata(metadata: &Metadata) -> Option<Self> {
        Some(Self {
            render_id: RenderId::parse(metadata.get("render-id")?).ok()?,
            duration_ms: number(metadata, "duration-ms")?,
            worked_ms: number(metadata, "worked-ms")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::JobId;

    #[test]
    fn what_was_stored_with_an_object_can_be_told_from_it() {
        let render_id = RenderId::of_clip(JobId::of_object("media", "k", "e"), "c");
        let photo = Photo { width: 3000, height: 2000, worked_ms: 210 };
        let video = VideoMade { render_id, duration_ms: 6_000, worked_ms: 7_300 };
        let clip = ClipMade {
            provider: "camera-move".into(),
            provider_job: "1".into(),
            duration_secs: 6,
            resolution: Resolution { width: 1920, height: 1080 },
            worked_ms: 5,
        };

        assert_eq!(Photo::from_metadata(&photo.to_metadata()), Some(photo));
        assert_eq!(ClipMade::from_metadata(&clip.to_metadata()), Some(clip));
        assert_eq!(VideoMade::from_metadata(&video.to_metadata()), Some(video));
        assert_eq!(VideoMade::from_metadata(&Metadata::new()), None);
    }
}
