//! Threads that only hash passwords, each with its own memory, and their queue.

use std::io;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use auth_domain::HashingCost;
use goptri_settings::{TaskHealth, ThreadEnd, supervise_thread};
use tokio::sync::oneshot;

use super::argon::HashMemory;
use super::jobs::{Jobs, Next};

/// How many jobs may wait for each thread. A hash takes about 50 ms on an idle core, so the last one waits about five
/// seconds; longer queues would only time out.
pub(super) const QUEUE_PER_THREAD: usize = 100;

/// A thread without work for this long releases its memory.
const RELEASE_AFTER: Duration = Duration::from_mins(1);

/// Added to the nice value of the process: when both need a core, a refresh gets nine tenths of it. At the maximum, 19,
/// sign-ins would starve on a machine with any other load.
#[cfg(target_os = "linux")]
const NICE_INCREMENT: i32 = 10;

/// The threads and their queue. Dropping it ends the threads.
#[derive(Debug)]
pub(super) struct HashingThreads {
    jobs: Arc<Jobs>,
    threads: Vec<JoinHandle<()>>,
    health: TaskHealth,
}

/// The queue is full, and the job's client has at least as many jobs in it as any other.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct QueueFull;

impl HashingThreads {
    /// Starts `threads` threads for hashes of this cost. Fails if the operating system refuses a thread.
    pub(super) fn start(threads: usize, cost: HashingCost) -> io::Result<Self> {
        let jobs = Arc::new(Jobs::new(threads * QUEUE_PER_THREAD));
        let health = TaskHealth::new("password hashing");
        let threads = (0..threads).map(|number| {
            let (jobs, health) = (Arc::clone(&jobs), health.clone());
            Builder::new().name(format!("hashing-{number}")).spawn(move || {
                lower_priority();
                supervise_thread(&health, || run_jobs(&jobs, cost, &health));
            })
        });
        Ok(Self { threads: threads.collect::<io::Result<_>>()?, jobs, health })
    }

    /// Queues work for this client; clients take turns. It is skipped if its receiver is dropped before it starts; the
    /// receiver gets an error if it panics.
    pub(super) fn queue<T: Send + 'static>(
        &self,
        client: IpAddr,
        work: impl FnOnce(&mut HashMemory) -> T + Send + 'static,
    ) -> oneshot::Receiver<Result<T, QueueFull>> {
        let (sender, receiver) = oneshot::channel();
        let job = Box::new(move |memory: Option<&mut HashMemory>| {
            if !sender.is_closed() {
                // The receiver may be dropped meanwhile.
                let _ = sender.send(memory.map(work).ok_or(QueueFull));
            }
        });
        self.jobs.push(client, job);
        receiver
    }

    /// Whether one of the threads is down.
    pub(super) fn health(&self) -> &TaskHealth {
        &self.health
    }

    /// How many jobs wait for a thread.
    pub(super) fn queue_length(&self) -> usize {
        self.jobs.len()
    }
}

impl Drop for HashingThreads {
    /// Closes the queue and waits for the threads.
    fn drop(&mut self) {
        self.jobs.close();
        for thread in self.threads.drain(..) {
            // Panics of jobs are caught.
            let _ = thread.join();
        }
    }
}

/// The whole life of a thread. A job that has started occupies it until it is done, even if its client has
/// disconnected (PW-12).
fn run_jobs(jobs: &Jobs, cost: HashingCost, health: &TaskHealth) -> ThreadEnd {
    let mut memory = HashMemory::new(cost);
    loop {
        let next = match next_job(jobs, &mut memory, RELEASE_AFTER) {
            Next::Timeout => jobs.next(None),
            next => next,
        };
        let Next::Job(job) = next else { return ThreadEnd::Finished };
        health.panic_if_killed();
        // Unwind safe: the next hash overwrites the memory.
        if catch_unwind(AssertUnwindSafe(|| job(Some(&mut memory)))).is_err() {
            tracing::error!("hashing a password panicked; the thread continues with the next job");
        }
    }
}

/// The next job, if one arrives within `release_after`. Wipes the memory before waiting, and releases it on a timeout.
fn next_job(jobs: &Jobs, memory: &mut HashMemory, release_after: Duration) -> Next {
    if let Some(job) = jobs.try_next() {
        return Next::Job(job);
    }
    memory.wipe();
    let next = jobs.next(Some(release_after));
    if matches!(next, Next::Timeout) {
        memory.release();
    }
    next
}

/// Lowers the priority of this thread. Only Linux has priorities per thread.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICE_INCREMENT) {
        tracing::warn!(%error, "passwords are hashed at normal priority");
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use auth_domain::NormalisedPassword;
    use goptri_settings::Plain;

    use super::super::argon;
    use super::*;

    const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

    fn one_thread() -> HashingThreads {
        HashingThreads::start(1, HashingCost::CURRENT).unwrap()
    }

    /// Occupies the thread until the returned sender is dropped.
    fn occupy(threads: &HashingThreads) -> mpsc::Sender<()> {
        let (release, held) = mpsc::channel::<()>();
        let (begun, started) = mpsc::channel();
        let queued = threads.queue(CLIENT, move |_| {
            begun.send(()).unwrap();
            let _ = held.recv();
        });
        started.recv().unwrap();
        drop(queued);
        release
    }

    fn hash_a_password(memory: &mut HashMemory) {
        let password = NormalisedPassword::of(&Plain::new("correct horse".to_owned())).unwrap();
        argon::hash(HashingCost::CURRENT, &password, &[7; 16], memory).unwrap();
    }

    /// PW-12
    #[actix_web::test]
    async fn a_full_queue_rejects_jobs_until_one_is_taken_and_runs_those_of_a_client_in_order() {
        let threads = one_thread();
        let release = occupy(&threads);
        let waiting: Vec<_> = (0..QUEUE_PER_THREAD).map(|n| threads.queue(CLIENT, move |_| n)).collect();
        assert_eq!(threads.queue(CLIENT, |_| ()).await, Ok(Err(QueueFull)));
        drop(release);
        for (n, waiting) in waiting.into_iter().enumerate() {
            assert_eq!(waiting.await, Ok(Ok(n)));
        }
        threads.queue(CLIENT, |_| ()).await.unwrap().unwrap();
    }

    #[actix_web::test]
    async fn a_full_queue_has_room_for_a_client_with_fewer_jobs_and_runs_them_next() {
        let threads = one_thread();
        let release = occupy(&threads);
        let done = Arc::new(AtomicUsize::new(0));
        let count = |_: &mut HashMemory| ();
        let mut waiting: Vec<_> = (0..QUEUE_PER_THREAD)
            .map(|_| {
                let done = Arc::clone(&done);
                threads.queue(CLIENT, move |_| done.fetch_add(1, Ordering::SeqCst))
            })
            .collect();
        let before = Arc::clone(&done);
        let other = threads.queue(OTHER, move |_| before.load(Ordering::SeqCst));
        assert_eq!(waiting.pop().unwrap().await, Ok(Err(QueueFull)), "the last one had to go");
        drop(release);
        assert_eq!(other.await, Ok(Ok(1)), "it waited for one job of the other client");
        assert_eq!(threads.queue(OTHER, count).await, Ok(Ok(())));
    }

    #[actix_web::test]
    async fn a_job_whose_receiver_is_dropped_is_skipped() {
        let threads = one_thread();
        let done = Arc::new(AtomicUsize::new(0));
        let release = occupy(&threads);
        let mut waiting: Vec<_> = (0..10)
            .map(|_| {
                let done = Arc::clone(&done);
                threads.queue(CLIENT, move |_| done.fetch_add(1, Ordering::SeqCst))
            })
            .collect();
        waiting.truncate(1);
        let last = threads.queue(CLIENT, |_| ());
        drop(release);
        last.await.unwrap().unwrap();
        assert_eq!(done.load(Ordering::SeqCst), 1);
    }

    #[actix_web::test]
    async fn a_panic_ends_one_job_and_not_its_thread() {
        let threads = one_thread();
        for _ in 0..3 {
            assert!(threads.queue(CLIENT, |_| panic!("as a test")).await.is_err());
        }
        assert_eq!(threads.queue(CLIENT, |_| 7).await, Ok(Ok(7)));
    }

    #[actix_web::test]
    async fn dropping_the_threads_ends_them() {
        thread_local! {
            static OF_A_THREAD: std::cell::RefCell<Option<Arc<()>>> = const { std::cell::RefCell::new(None) };
        }
        let threads = one_thread();
        let alive = Arc::new(());
        let left = Arc::downgrade(&alive);
        threads.queue(CLIENT, move |_| OF_A_THREAD.set(Some(alive))).await.unwrap().unwrap();
        assert!(left.upgrade().is_some());
        drop(threads);
        assert!(left.upgrade().is_none(), "thread-local data is dropped with its thread");
    }

    #[test]
    fn memory_is_wiped_before_waiting_for_a_job_and_not_between_two_jobs() {
        let jobs = Jobs::new(2);
        let mut memory = HashMemory::new(HashingCost::CURRENT);
        jobs.push(CLIENT, Box::new(|memory| hash_a_password(memory.unwrap())));
        jobs.push(CLIENT, Box::new(|memory| assert!(memory.unwrap().filled() > 0)));
        jobs.close();
        while let Next::Job(job) = next_job(&jobs, &mut memory, Duration::ZERO) {
            job(Some(&mut memory));
            assert!(memory.filled() > 0);
        }
        assert_eq!(memory.filled(), 0);
        assert!(memory.allocated() > 0, "the next sign-in reuses it");
    }

    #[test]
    fn memory_is_released_after_a_time_without_jobs() {
        let jobs = Jobs::new(1);
        let mut memory = HashMemory::new(HashingCost::CURRENT);
        hash_a_password(&mut memory);
        assert!(matches!(next_job(&jobs, &mut memory, Duration::ZERO), Next::Timeout));
        assert_eq!(memory.allocated(), 0);
    }

    /// Only these threads, not the process.
    #[cfg(target_os = "linux")]
    #[actix_web::test]
    async fn only_hashing_threads_have_a_lower_priority() {
        fn niceness() -> i32 {
            rustix::process::getpriority_process(None).unwrap()
        }
        let before = niceness();
        let threads = HashingThreads::start(2, HashingCost::CURRENT).unwrap();
        let name_and_niceness =
            |_: &mut HashMemory| (std::thread::current().name().unwrap().to_owned(), niceness());
        let (name, hashing) = threads.queue(CLIENT, name_and_niceness).await.unwrap().unwrap();
        assert!(name.starts_with("hashing-"), "{name}");
        assert_eq!((hashing, niceness()), ((before + NICE_INCREMENT).min(19), before));
    }
}
