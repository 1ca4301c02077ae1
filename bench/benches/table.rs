//! All signers in turns, many short rounds each, and a table of ratios.

use std::process::Command;
use std::time::SystemTime;

use sigv4_bench::AwsSigV4;
use sigv4_bench::Case;
use sigv4_bench::Floor;
use sigv4_bench::Ours;
use sigv4_bench::OursPresigned;
use sigv4_bench::Reqsign;
use sigv4_bench::Turns;
use sigv4_bench::check;
use sigv4_bench::round;

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
    let cases = Case::filtered(&filters);
    let results: Vec<(&Case, Medians)> = cases
        .iter()
        .map(|case| {
            check(case);
            (case, measure(case, rounds))
        })
        .collect();

    if rounds == 1 {
        println!("\nOnly tried: the numbers of a single round mean nothing.");
    }
    println!("\nMicroseconds per signature, medians of {rounds} rounds:\n");
    println!("| case | floor | ours | aws-sigv4 | reqsign |");
    println!("|---|---|---|---|---|");
    for (case, medians) in &results {
        let [floor, ours, aws, reqsign] = medians.times.map(|time| time * 1e6);
        println!(
            "| {} | {floor:.3} | {ours:.3} | {aws:.3} | {reqsign:.3} |",
            case.name
        );
    }

    println!("\nRatios, medians of the ratios within a round:\n");
    println!("| case | ours / floor | aws-sigv4 / ours | reqsign / ours |");
    println!("|---|---|---|---|");
    for (case, medians) in &results {
        let [above_floor, aws, reqsign] = medians.ratios;
        println!(
            "| {} | {above_floor:.2} | {aws:.2} | {reqsign:.2} |",
            case.name
        );
    }

    println!("\nAllocations + reallocations (bytes) per signature:\n");
    let counted = Command::new(env!("CARGO_BIN_EXE_allocations"))
        .args(&filters)
        .status();
    assert!(
        counted.is_ok_and(|status| status.success()),
        "the allocations could not be counted"
    );
}

/// What was measured of a case.
struct Medians {
    /// Seconds per signature: floor, ours, aws-sigv4, reqsign.
    times: [f64; 4],
    /// Ours to the floor, aws-sigv4 to ours, reqsign to ours.
    ratios: [f64; 3],
}

fn measure(case: &Case, rounds: usize) -> Medians {
    let floor = Floor::new(case, SystemTime::now());
    let ours = Ours::new(case);
    let ours_presigned = case
        .presigned
        .is_some()
        .then(|| OursPresigned(Ours::new(case)));
    let aws = AwsSigV4::new(case);
    let reqsign = Reqsign::new(case);
    let contenders: [&dyn Fn() -> f64; 4] = [
        &|| round(case, &floor),
        &|| match &ours_presigned {
            Some(ours) => round(case, ours),
            None => round(case, &ours),
        },
        &|| round(case, &aws),
        &|| round(case, &reqsign),
    ];

    let turns = Turns::take(rounds, contenders);
    Medians {
        ratios: [turns.ratio(1, 0), turns.ratio(2, 1), turns.ratio(3, 1)],
        times: turns.times(),
    }
}

const ROUNDS: usize = 500;
