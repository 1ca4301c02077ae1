//! Counts what each signer takes from the heap for one signature, after some others.
//!
//! A program of its own, so that the times of the others are those of the system's allocator.

use std::alloc::GlobalAlloc;
use std::alloc::Layout;
use std::alloc::System;
use std::fmt;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::SystemTime;

use http::HeaderMap;
use http::Request;
use sigv4_bench::AwsSigV4;
use sigv4_bench::Case;
use sigv4_bench::Contender;
use sigv4_bench::Ours;
use sigv4_bench::OursPresigned;
use sigv4_bench::Reqsign;
use sigv4_bench::check;
use sigv4_core::Credentials;
use sigv4_core::runtime::CredentialsCache;

fn main() {
    let filters: Vec<String> = std::env::args().skip(1).collect();
    println!("| case | ours, map with room | ours | aws-sigv4 | reqsign |");
    println!("|---|---|---|---|---|");
    for case in Case::filtered(&filters) {
        check(&case);
        let ours = Ours::new(&case);
        let (with_room, ours) = if case.presigned.is_some() {
            // There, the headers stay as they are.
            ("-".to_owned(), count(&OursPresigned(ours)))
        } else {
            let with_room = count_with(&ours, || with_room(&case.request));
            (with_room.to_string(), count(&ours))
        };
        let (aws, reqsign) = (count(&AwsSigV4::new(&case)), count(&Reqsign::new(&case)));
        println!(
            "| {} | {with_room} | {ours} | {aws} | {reqsign} |",
            case.name
        );
    }
    println!("\nA fresh hit of the credentials cache: {}", count_hit());
}

/// Counts what handing out fresh credentials takes, also where the clocks are compared.
fn count_hit() -> Counts {
    let credentials = Credentials::new(Case::ACCESS_KEY_ID, Case::SECRET_ACCESS_KEY)
        .expect("the credentials are those of the documentation")
        .with_expiry(SystemTime::now() + Duration::from_secs(6 * 3600));
    let cache = CredentialsCache::new(credentials);
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let first = runtime
        .expect("a runtime can be made")
        .block_on(cache.get());
    drop(first.expect("fixed credentials are there"));

    let now = SystemTime::now();
    let before = Counts::now();
    for millis in 0..3000 {
        let cached = cache.peek(now + Duration::from_millis(millis));
        assert!(cached.is_some_and(|cached| cached.generation() == 1));
    }
    Counts::now().since(before)
}

/// What one signature took from the heap.
#[derive(Clone, Copy)]
struct Counts {
    allocations: usize,
    reallocations: usize,
    bytes: usize,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            allocations,
            reallocations,
            bytes,
        } = self;
        write!(f, "{allocations}+{reallocations} ({bytes} B)")
    }
}

fn count<C: Contender>(contender: &C) -> Counts {
    count_with(contender, || contender.input())
}

fn count_with<C: Contender>(contender: &C, input: impl Fn() -> C::Input) -> Counts {
    for _ in 0..100 {
        contender.sign(&mut input());
    }
    let mut input = input();
    let before = Counts::now();
    let output = contender.sign(&mut input);
    let taken = Counts::now().since(before);
    drop(output);
    taken
}

/// Copies a request into one whose header map need not grow. A clone has no room at all.
fn with_room(request: &Request<()>) -> Request<()> {
    let mut copy = request.clone();
    let mut headers = HeaderMap::with_capacity(32);
    headers.extend(request.headers().clone());
    *copy.headers_mut() = headers;
    copy
}

impl Counts {
    fn now() -> Self {
        Self {
            allocations: ALLOCATIONS.load(Ordering::Relaxed),
            reallocations: REALLOCATIONS.load(Ordering::Relaxed),
            bytes: BYTES.load(Ordering::Relaxed),
        }
    }

    fn since(self, before: Self) -> Self {
        Self {
            allocations: self.allocations - before.allocations,
            reallocations: self.reallocations - before.reallocations,
            bytes: self.bytes - before.bytes,
        }
    }
}

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
static REALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The system's allocator, counting what is asked of it.
struct Counting;

#[expect(unsafe_code, reason = "an allocator cannot be written without")]
// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        REALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(size.saturating_sub(layout.size()), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}
