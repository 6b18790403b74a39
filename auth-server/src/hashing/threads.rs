//! Threads that do nothing but hash passwords, each on memory of its own, and the queue before them.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use auth_domain::HashingCost;
use tokio::sync::oneshot;

use super::argon::HashMemory;

/// So many may wait for each thread. A hash takes about 50 ms where nothing else is done, so that the last one waits
/// about five seconds; more who wait would be sent away later anyway.
pub(super) const PLACES_PER_THREAD: usize = 100;

/// So much nicer than everything else in this process: of a core that both want, a refresh gets nine tenths. Not the
/// nicest there is, with which nobody could sign in on a machine that has anything else to do.
#[cfg(target_os = "linux")]
const NICE_INCREMENT: i32 = 10;

type Job = Box<dyn FnOnce(&mut HashMemory) + Send>;

/// The threads and the queue. They end with it.
pub(super) struct HashingThreads {
    queue: Option<SyncSender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

/// As many wait as may.
#[derive(Debug)]
pub(super) struct Full;

impl HashingThreads {
    /// So many threads, each with the memory for hashes of that cost. Fails if the operating system gives none.
    pub(super) fn start(threads: usize, cost: HashingCost) -> io::Result<Self> {
        let (queue, jobs) = sync_channel(threads * PLACES_PER_THREAD);
        let jobs = Arc::new(Mutex::new(jobs));
        let threads = (0..threads).map(|number| {
            let jobs = Arc::clone(&jobs);
            Builder::new().name(format!("hashing-{number}")).spawn(move || work(&jobs, cost))
        });
        Ok(Self { threads: threads.collect::<io::Result<_>>()?, queue: Some(queue) })
    }

    /// Puts work into the queue, if there is a place. It is left undone when nobody waits for its result any more; the
    /// result never comes if it panics.
    pub(super) fn queue<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut HashMemory) -> T + Send + 'static,
    ) -> Result<oneshot::Receiver<T>, Full> {
        let (result, waiting) = oneshot::channel();
        let job = Box::new(move |memory: &mut HashMemory| {
            if !result.is_closed() {
                // Who asked may leave while it is worked on.
                let _ = result.send(work(memory));
            }
        });
        match self.queue.as_ref().map(|queue| queue.try_send(job)) {
            // Without threads nobody takes the job, and its result never comes.
            None | Some(Ok(()) | Err(TrySendError::Disconnected(_))) => Ok(waiting),
            Some(Err(TrySendError::Full(_))) => Err(Full),
        }
    }
}

impl Drop for HashingThreads {
    /// Waits for the hashes that are under way, and no others.
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            // What panicked was caught.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for HashingThreads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashingThreads").field("threads", &self.threads.len()).finish_non_exhaustive()
    }
}

/// A thread's whole life: one job after the other, until there are no more to come. It is taken up by nothing else
/// while it works on one, whoever still waits for that (PW-12).
fn work(jobs: &Mutex<Receiver<Job>>, cost: HashingCost) {
    lower_priority();
    let mut memory = HashMemory::new(cost);
    while let Some(job) = next(jobs, &mut memory) {
        // A hash writes the memory anew, so that it does not matter what was half done.
        if catch_unwind(AssertUnwindSafe(|| job(&mut memory))).is_err() {
            tracing::error!("hashing a password panicked; this thread goes on with the next");
        }
    }
}

/// The next job. If there is none yet, the memory is wiped before it is waited for, so that passwords leave something behind
/// only while others are worked on.
fn next(jobs: &Mutex<Receiver<Job>>, memory: &mut HashMemory) -> Option<Job> {
    let at_once = jobs.try_lock().ok().and_then(|jobs| jobs.try_recv().ok());
    at_once.or_else(|| {
        memory.wipe();
        // Whoever waits for a job holds the lock; the others wait for that one.
        jobs.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
    })
}

/// Lowers the priority of this thread. Elsewhere than on Linux it is the whole process's, and stays.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICE_INCREMENT) {
        tracing::warn!(%error, "passwords are hashed at the priority of everything else");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use auth_domain::NormalizedPassword;
    use goptri_settings::Plain;

    use super::super::argon;
    use super::*;

    fn one_thread() -> HashingThreads {
        HashingThreads::start(1, HashingCost::CURRENT).unwrap()
    }

    /// The thread is at work until what this returns is dropped.
    fn keep_at_work(threads: &HashingThreads) -> mpsc::Sender<()> {
        let (release, held) = mpsc::channel::<()>();
        let (begun, at_work) = mpsc::channel();
        let queued = threads.queue(move |_| {
            begun.send(()).unwrap();
            let _ = held.recv();
        });
        at_work.recv().unwrap();
        drop(queued.unwrap());
        release
    }

    /// PW-12
    #[actix_web::test]
    async fn a_queue_that_is_full_takes_no_more_and_goes_on_once_there_is_a_place() {
        let threads = one_thread();
        let release = keep_at_work(&threads);
        let waiting: Vec<_> = (0..PLACES_PER_THREAD).map(|n| threads.queue(move |_| n).unwrap()).collect();
        assert!(matches!(threads.queue(|_| ()), Err(Full)));
        drop(release);
        for (n, waiting) in waiting.into_iter().enumerate() {
            assert_eq!(waiting.await, Ok(n), "the first who came is the first who is served");
        }
        threads.queue(|_| ()).unwrap().await.unwrap();
    }

    #[actix_web::test]
    async fn what_nobody_waits_for_is_left_undone() {
        let threads = one_thread();
        let done = Arc::new(AtomicUsize::new(0));
        let release = keep_at_work(&threads);
        let mut waiting: Vec<_> = (0..10)
            .map(|_| {
                let done = Arc::clone(&done);
                threads.queue(move |_| done.fetch_add(1, Ordering::SeqCst)).unwrap()
            })
            .collect();
        waiting.truncate(1);
        let last = threads.queue(|_| ()).unwrap();
        drop(release);
        last.await.unwrap();
        assert_eq!(done.load(Ordering::SeqCst), 1);
    }

    #[actix_web::test]
    async fn a_panic_ends_one_job_and_not_its_thread() {
        let threads = one_thread();
        for _ in 0..3 {
            assert!(threads.queue(|_| panic!("as a test")).unwrap().await.is_err());
        }
        assert_eq!(threads.queue(|_| 7).unwrap().await, Ok(7));
    }

    #[actix_web::test]
    async fn threads_end_with_what_they_belong_to() {
        thread_local! {
            static OF_A_THREAD: std::cell::RefCell<Option<Arc<()>>> = const { std::cell::RefCell::new(None) };
        }
        let threads = one_thread();
        let alive = Arc::new(());
        let left = Arc::downgrade(&alive);
        threads.queue(move |_| OF_A_THREAD.set(Some(alive))).unwrap().await.unwrap();
        assert!(left.upgrade().is_some());
        drop(threads);
        assert!(left.upgrade().is_none(), "what belonged to the thread is gone with it");
    }

    #[test]
    fn the_memory_is_wiped_before_a_job_is_waited_for_and_not_before_one_that_is_there() {
        let (queue, jobs) = sync_channel::<Job>(2);
        let jobs = Mutex::new(jobs);
        let mut memory = HashMemory::new(HashingCost::CURRENT);
        let hash = |memory: &mut HashMemory| {
            let password = NormalizedPassword::of(&Plain::new("correct horse".to_owned())).unwrap();
            argon::hash(HashingCost::CURRENT, &password, &[7; 16], memory).unwrap();
        };
        queue.send(Box::new(hash)).unwrap();
        queue.send(Box::new(|memory| assert!(memory.filled() > 0))).unwrap();
        drop(queue);
        while let Some(job) = next(&jobs, &mut memory) {
            job(&mut memory);
            assert!(memory.filled() > 0);
        }
        assert!(memory.filled() == 0, "nothing is left once there is no more to do");
    }

    /// Only these threads, not the process.
    #[cfg(target_os = "linux")]
    #[actix_web::test]
    async fn hashing_has_a_lower_priority_and_everything_else_keeps_its_own() {
        fn niceness() -> i32 {
            rustix::process::getpriority_process(None).unwrap()
        }
        let before = niceness();
        let threads = HashingThreads::start(2, HashingCost::CURRENT).unwrap();
        let name_and_niceness =
            |_: &mut HashMemory| (std::thread::current().name().unwrap().to_owned(), niceness());
        let (name, hashing) = threads.queue(name_and_niceness).unwrap().await.unwrap();
        assert!(name.starts_with("hashing-"), "{name}");
        assert_eq!((hashing, niceness()), ((before + NICE_INCREMENT).min(19), before));
    }
}
