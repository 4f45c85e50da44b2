//! Turns before a provider that works on a limited number of orders at once.

use super::*;

/// Jobs of several users, each accepted, before one provider.
fn world_of(generator: &ReadyClip, names: &[(&str, &str)]) -> (World, Vec<Job>) {
    let mut world = World::with(generator);
    let jobs: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(at, (user, name))| {
            let mut job = samples::led_to(samples::job_named(name), JobState::Queued);
            job.order.user_id = Some((*user).to_owned());
            job.created_at = samples::AT.plus(Duration::from_secs(at as u64));
            job
        })
        .collect();
    for job in &jobs {
        world.jobs = world.jobs.with(job);
        world.store = world.store.with(keys::photo(job.id).as_str(), "photo");
    }
    (world, jobs)
}

/// Delivers every job's message in turn until all have a clip, or too often.
async fn deliver_all(world: &World, jobs: &[Job]) {
    for _ in 0..jobs.len() * 4 {
        for job in jobs {
            world.ltx().handle(&LtxRequest::of_job(job)).await.expect("handled");
        }
        world.clock.advance(SECOND);
    }
    for job in jobs {
        let job = world.jobs.job(job.id).expect("a job");
        assert_eq!(job.state, JobState::LtxDone, "{:?}", job.failure);
    }
}

#[tokio::test]
async fn never_more_than_the_provider_serves_are_under_way() {
    let generator = ReadyClip::new("clip").serving(2).pending_for(2, SECOND);
    let names: Vec<_> = (0..12).map(|at| format!("villa-{at}")).collect();
    let names: Vec<_> = names.iter().map(|name| ("ana", name.as_str())).collect();
    let (world, jobs) = world_of(&generator, &names);

    deliver_all(&world, &jobs).await;

    assert_eq!((generator.most_at_once(), generator.billed_in_all()), (2, 12));
}

#[tokio::test]
async fn a_user_with_many_jobs_does_not_starve_another() {
    let generator = ReadyClip::new("clip").serving(1);
    let names: Vec<_> = (0..20).map(|at| format!("villa-{at}")).collect();
    let mut names: Vec<_> = names.iter().map(|name| ("ana", name.as_str())).collect();
    names.push(("ben", "cabin"));
    let (world, jobs) = world_of(&generator.clone().pending_for(1, SECOND), &names);

    // Everybody asks once; the first has the turn.
    for job in &jobs {
        world.ltx().handle(&LtxRequest::of_job(job)).await.expect("handled");
    }
    // The first is served, and then whoever is next.
    world.ltx().handle(&LtxRequest::of_job(&jobs[0])).await.expect("handled");
    for job in &jobs {
        world.ltx().handle(&LtxRequest::of_job(job)).await.expect("handled");
    }

    let served: Vec<_> = world.ledger.all().into_iter().map(|attempt| attempt.job).collect();
    assert_eq!(served.len(), 2, "{served:?}");
    assert!(served.contains(&jobs[20].id), "ben waits behind all of ana's");
}

#[tokio::test]
async fn a_refused_order_gives_its_turn_to_the_next() {
    let generator = ReadyClip::new("clip").serving(1).refusing("no");
    let (world, jobs) = world_of(&generator, &[("ana", "a"), ("ana", "b")]);

    for job in &jobs {
        world.ltx().handle(&LtxRequest::of_job(job)).await.expect("handled");
    }

    let failed = jobs.iter().filter_map(|job| world.jobs.job(job.id)?.failure).count();
    assert_eq!((failed, generator.submits()), (2, 2));
}

#[tokio::test]
async fn an_unknown_order_keeps_its_turn_until_it_cannot_be_under_way_any_more() {
    let generator = ReadyClip::new("clip").serving(1).losing_answers(1, Loss::AfterTaking);
    let (world, jobs) = world_of(&generator.limited_to(HOUR), &[("ana", "a"), ("ana", "b")]);
    let deliver = async |job: &Job| world.ltx().handle(&LtxRequest::of_job(job)).await;

    deliver(&jobs[0]).await.expect("unknown");
    let waits = deliver(&jobs[1]).await.expect("handled");
    world.clock.advance(HOUR + GRACE);
    let served = deliver(&jobs[1]).await.expect("handled");

    assert_eq!((waits, served), (not_yet(SECOND), Handled::Done));
}
