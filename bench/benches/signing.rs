//! Each signer by itself, with criterion: for a closer look at one, and to compare with a run
//! before a change. Ratios are better read from `table`, where the signers take turns.

use std::time::SystemTime;

use criterion::BatchSize;
use criterion::BenchmarkGroup;
use criterion::Criterion;
use criterion::criterion_group;
use criterion::criterion_main;
use criterion::measurement::WallTime;
use sigv4_bench::AwsSigV4;
use sigv4_bench::Case;
use sigv4_bench::Contender;
use sigv4_bench::Floor;
use sigv4_bench::Ours;
use sigv4_bench::OursPresigned;
use sigv4_bench::Reqsign;
use sigv4_bench::check;

criterion_group!(benches, signing);
criterion_main!(benches);

fn signing(criterion: &mut Criterion) {
    for case in &Case::all() {
        check(case);
        let mut group = criterion.benchmark_group(case.name);
        measure(&mut group, case, &Floor::new(case, SystemTime::now()));
        if case.presigned.is_some() {
            measure(&mut group, case, &OursPresigned(Ours::new(case)));
        } else {
            measure(&mut group, case, &Ours::new(case));
        }
        measure(&mut group, case, &AwsSigV4::new(case));
        measure(&mut group, case, &Reqsign::new(case));
        group.finish();
    }
}

/// Criterion's own batch sizes grow with the number of iterations, to thousands of requests, which
/// are out of the processor's cache by the time they are signed.
fn measure<C: Contender>(group: &mut BenchmarkGroup<'_, WallTime>, case: &Case, contender: &C) {
    let batch = u64::try_from(case.batch()).expect("a batch is small");
    group.bench_function(C::NAME, |bencher| {
        bencher.iter_batched_ref(
            || contender.input(),
            |input| contender.sign(input),
            BatchSize::NumIterations(batch),
        );
    });
}
