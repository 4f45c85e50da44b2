//! The line before a provider that works on a limited number of orders at once.
//!
//! First come, first served for each user; between users, whoever has the fewest orders under way
//! and was served the longest ago. So nobody starves anybody else.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{JobId, Timestamp};

/// After this time without a sign of life a place in the line is free: its job has ended elsewhere.
const PATIENCE: Duration = Duration::from_mins(30);

/// How old the newest sign of life may be before it is written down anew: not with every question,
/// since whoever waits asks often.
const SIGN_OF_LIFE: Duration = Duration::from_mins(5);

/// Most places that are kept, so that a line stays a small document. Who finds the line full comes
/// again later.
const PLACES: usize = 1_000;

/// Somebody's wish to order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The job.
    pub job: JobId,
    /// Who asked for it; empty where nobody in particular did.
    pub user: String,
    /// Since when the job waits.
    pub since: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    ticket: Ticket,
    seen: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct UnderWay {
    ticket: Ticket,
    until: Timestamp,
}

/// Who is being served and who waits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    under_way: Vec<UnderWay>,
    waiting: Vec<Place>,
    served: BTreeMap<String, Timestamp>,
}

/// What a ticket gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Order now.
    Yours,
    /// Wait; so many are before you.
    Wait {
        /// How many are served before it.
        ahead: usize,
    },
}

impl Line {
    /// Asks for a turn before a provider that works on `capacity` orders at once. Whoever gets one
    /// keeps it until [`Line::leave`], or until the instant `until`.
    pub fn enter(
        &mut self,
        ticket: &Ticket,
        capacity: u32,
        now: Timestamp,
        until: Timestamp,
    ) -> Turn {
        self.forget_the_gone(now);
        if self.under_way.iter().any(|one| one.ticket.job == ticket.job) {
            return Turn::Yours;
        }
        self.keep_place(ticket, now);
        let order = self.order_of_service();
        let free = (capacity as usize).saturating_sub(self.under_way.len());
        let ahead = order.iter().position(|job| *job == ticket.job);
        match ahead {
            Some(ahead) if ahead < free => {
                self.waiting.retain(|place| place.ticket.job != ticket.job);
                self.served.insert(ticket.user.clone(), now);
                self.under_way.push(UnderWay { ticket: ticket.clone(), until });
                Turn::Yours
            }
            ahead => Turn::Wait { ahead: ahead.unwrap_or(order.len()) },
        }
    }

    /// Gives up a turn or a place; whether there was one.
    pub fn leave(&mut self, job: JobId) -> bool {
        let before = self.under_way.len() + self.waiting.len();
        self.under_way.retain(|one| one.ticket.job != job);
        self.waiting.retain(|place| place.ticket.job != job);
        before != self.under_way.len() + self.waiting.len()
    }

    /// How many orders are under way.
    pub fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// How many jobs wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn forget_the_gone(&mut self, now: Timestamp) {
        self.under_way.retain(|one| now < one.until);
        self.waiting.retain(|place| now.since(place.seen) < PATIENCE);
        let (under_way, waiting) = (&self.under_way, &self.waiting);
        self.served.retain(|user, _| {
            under_way.iter().any(|one| one.ticket.user == *user)
                || waiting.iter().any(|place| place.ticket.user == *user)
        });
    }

    fn keep_place(&mut self, ticket: &Ticket, now: Timestamp) {
        if let Some(place) = self.waiting.iter_mut().find(|place| place.ticket.job == ticket.job) {
            if now.since(place.seen) >= SIGN_OF_LIFE {
                place.seen = now;
            }
            return;
        }
        if self.waiting.len() < PLACES || self.make_room_for(&ticket.user) {
            self.waiting.push(Place { ticket: ticket.clone(), seen: now });
        }
    }

    /// Takes the last place of the user who has most of them, so that one user cannot fill the line.
    /// Whether there is room then: not for a user who has as many.
    fn make_room_for(&mut self, user: &str) -> bool {
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        for place in &self.waiting {
            *places.entry(&place.ticket.user).or_default() += 1;
        }
        let own = places.get(user).copied().unwrap_or_default();
        let Some((most, _)) =
            places.into_iter().filter(|(_, n)| *n > own + 1).max_by_key(|(_, n)| *n)
        else {
            return false;
        };
        let last = self.waiting.iter().enumerate().filter(|(_, place)| place.ticket.user == most);
        let Some(last) = last.max_by_key(|(_, place)| place.ticket.since).map(|(at, _)| at) else {
            return false;
        };
        self.waiting.remove(last);
        true
    }

    /// The waiting jobs in the order in which they are served, if nobody else comes.
    fn order_of_service(&self) -> Vec<JobId> {
        let mut load: BTreeMap<&str, (usize, Timestamp)> = BTreeMap::new();
        let mut queues: BTreeMap<&str, Vec<&Ticket>> = BTreeMap::new();
        for place in &self.waiting {
            queues.entry(&place.ticket.user).or_default().push(&place.ticket);
        }
        for (user, queue) in &mut queues {
            queue.sort_by_key(|ticket| std::cmp::Reverse((ticket.since, ticket.job)));
            let busy = self.under_way.iter().filter(|one| one.ticket.user == *user).count();
            load.insert(user, (busy, self.served.get(*user).copied().unwrap_or_default()));
        }

        let mut order = Vec::with_capacity(self.waiting.len());
        let mut turn = Timestamp::from_epoch_ms(u64::MAX - PLACES as u64);
        while let Some(user) = next_user(&queues, &load) {
            let Some(ticket) = queues.get_mut(user).and_then(Vec::pop) else { break };
            order.push(ticket.job);
            turn = turn.plus(Duration::from_millis(1));
            let (busy, served) = load.entry(ticket.user.as_str()).or_default();
            *busy += 1;
            *served = turn;
        }
        order
    }
}

/// Of the users who wait, the one with the fewest orders under way, then the one who was served the
/// longest ago, then the one who has waited the longest.
fn next_user<'a>(
    queues: &BTreeMap<&'a str, Vec<&Ticket>>,
    load: &BTreeMap<&'a str, (usize, Timestamp)>,
) -> Option<&'a str> {
    let waiting = queues.iter().filter_map(|(user, queue)| Some((*user, *queue.last()?)));
    waiting
        .min_by_key(|(user, first)| (load.get(user).copied().unwrap_or_default(), first.since))
        .map(|(user, _)| user)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_epoch_ms(secs * 1000)
    }

    fn ticket(user: &str, since: u64) -> Ticket {
        let job = JobId::of_object("media", &format!("{user}-{since}"), "e");
        Ticket { job, user: user.to_owned(), since: at(since) }
    }

    /// Asks again and again until everybody was served, one at a time; the order in which they were.
    fn serve(line: &mut Line, tickets: &[Ticket]) -> Vec<JobId> {
        let mut served = Vec::new();
        for _ in 0..tickets.len() * 2 {
            for ticket in tickets {
                let done = served.contains(&ticket.job);
                if !done && line.enter(ticket, 1, at(100), at(1_000)) == Turn::Yours {
                    served.push(ticket.job);
                    line.leave(ticket.job);
                }
            }
        }
        served
    }

    #[test]
    fn no_more_than_the_capacity_are_under_way() {
        let mut line = Line::default();
        let tickets: Vec<_> = (0..50).map(|n| ticket("a", n)).collect();

        let turns: Vec<_> =
            tickets.iter().map(|ticket| line.enter(ticket, 2, at(100), at(1_000))).collect();

        assert_eq!(turns[..3], [Turn::Yours, Turn::Yours, Turn::Wait { ahead: 0 }]);
        assert_eq!(turns[49], Turn::Wait { ahead: 47 });
        assert_eq!((line.under_way(), line.waiting()), (2, 48));
        assert_eq!(line.enter(&tickets[0], 2, at(101), at(1_000)), Turn::Yours, "asked again");
    }

    #[test]
    fn one_user_is_served_in_the_order_of_arrival_however_they_ask() {
        let mut line = Line::default();
        let tickets = [3, 1, 2, 0].map(|n| ticket("a", n));
        for ticket in &tickets {
            line.enter(ticket, 0, at(50), at(1_000));
        }

        let served = serve(&mut line, &tickets);

        assert_eq!(served, [0, 1, 2, 3].map(|n| ticket("a", n).job));
    }

    #[test]
    fn a_user_with_a_hundred_jobs_does_not_starve_one_with_a_single_job() {
        let mut line = Line::default();
        let mut tickets: Vec<_> = (0..100).map(|n| ticket("a", n)).collect();
        tickets.push(ticket("b", 99));
        for ticket in &tickets {
            line.enter(ticket, 0, at(100), at(1_000));
        }

        let order = line.order_of_service();

        let b = order.iter().position(|job| *job == ticket("b", 99).job);
        assert!(b <= Some(1), "{b:?}");
    }

    #[test]
    fn a_line_that_one_user_has_filled_has_room_for_another() {
        let mut line = Line::default();
        for n in 0..PLACES as u64 {
            line.enter(&ticket("a", n), 0, at(9_999), at(99_999));
        }

        line.enter(&ticket("a", 5_000), 0, at(9_999), at(99_999));
        line.enter(&ticket("b", 6_000), 0, at(9_999), at(99_999));

        assert_eq!(line.waiting(), PLACES);
        let turn = line.enter(&ticket("b", 6_000), 2, at(9_999), at(99_999));
        assert_eq!(turn, Turn::Yours);
    }

    #[test]
    fn who_is_gone_gives_up_turn_and_place() {
        let mut line = Line::default();
        let [first, second, third] = [0, 1, 2].map(|n| ticket("a", n));
        assert_eq!(line.enter(&first, 1, at(10), at(60)), Turn::Yours);
        assert_eq!(line.enter(&second, 1, at(10), at(60)), Turn::Wait { ahead: 0 });

        // The first has died; the second too, a while later.
        assert_eq!(line.enter(&third, 1, at(59), at(60)), Turn::Wait { ahead: 1 });
        assert_eq!(line.enter(&third, 1, at(60), at(9_000)), Turn::Wait { ahead: 1 });
        let later = at(10 + PATIENCE.as_secs());
        assert_eq!(line.enter(&third, 1, later, at(9_000)), Turn::Yours);
        assert!(line.leave(third.job));
        assert!(!line.leave(third.job));
    }
}
