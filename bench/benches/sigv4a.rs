//! SigV4A beside the bare signature of each backend, in turns, and a table of ratios.

use std::time::SystemTime;

use sigv4_bench::AwsSigV4;
use sigv4_bench::BareP256;
use sigv4_bench::BareRing;
use sigv4_bench::Case;
use sigv4_bench::Ours;
use sigv4_bench::OursPresigned;
use sigv4_bench::Turns;
use sigv4_bench::check_sigv4a;
use sigv4_bench::round;
use sigv4_core::EcdsaBackend;

fn main() {
    // As criterion: `--test` only tries whether everything works, and names are filters.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rounds = if arguments.iter().any(|argument| argument == "--test") {
        1
    } else {
        ROUNDS
    };
    let filters: Vec<String> = arguments
        .into_iter()
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    // The body of a megabyte would leave nothing to be seen of the signature.
    let mut cases = Case::filtered(&filters);
    cases.retain(|case| case.batch() > 1);
    let results: Vec<(&Case, Turns<5>)> = cases
        .iter()
        .map(|case| {
            check_sigv4a(case);
            (case, measure(case, rounds))
        })
        .collect();

    if rounds == 1 {
        println!("\nOnly tried: the numbers of a single round mean nothing.");
    }
    println!("\nSigV4A, microseconds per signature, medians of {rounds} rounds:\n");
    println!("| case | bare p256 | ours, p256 | aws-sigv4 | bare ring | ours, ring |");
    println!("|---|---|---|---|---|---|");
    for (case, turns) in &results {
        let [bare_p256, p256, aws, bare_ring, ring] = turns.times().map(|time| time * 1e6);
        println!(
            "| {} | {bare_p256:.1} | {p256:.1} | {aws:.1} | {bare_ring:.1} | {ring:.1} |",
            case.name
        );
    }

    println!("\nRatios, medians of the ratios within a round:\n");
    println!("| case | ours / bare p256 | aws-sigv4 / ours, p256 | ours / bare ring |");
    println!("|---|---|---|---|");
    for (case, turns) in &results {
        println!(
            "| {} | {:.3} | {:.2} | {:.3} |",
            case.name,
            turns.ratio(1, 0),
            turns.ratio(2, 1),
            turns.ratio(4, 3)
        );
    }
}

fn measure(case: &Case, rounds: usize) -> Turns<5> {
    let now = SystemTime::now();
    let (bare_p256, bare_ring) = (BareP256::new(case, now), BareRing::new(case, now));
    let [p256, ring] = [EcdsaBackend::P256, EcdsaBackend::Ring].map(|backend| ours(case, backend));
    let aws = AwsSigV4::sigv4a(case);
    Turns::take(
        rounds,
        [
            &|| round(case, &bare_p256),
            &p256,
            &|| round(case, &aws),
            &|| round(case, &bare_ring),
            &ring,
        ],
    )
}

fn ours(case: &Case, backend: EcdsaBackend) -> Box<dyn Fn() -> f64 + '_> {
    let ours = Ours::sigv4a(case, backend);
    if case.presigned.is_some() {
        let ours = OursPresigned(ours);
        Box::new(move || round(case, &ours))
    } else {
        Box::new(move || round(case, &ours))
    }
}

const ROUNDS: usize = 300;
