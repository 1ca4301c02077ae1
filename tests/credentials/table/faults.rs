//! Services that are out of order.

use std::time::UNIX_EPOCH;

use sigv4_tests::fake_aws::Handout;
use sigv4_tests::fake_aws::Script;
use sigv4_tests::fake_aws::Step;

use crate::row::Outcome::Failed;
use crate::row::Outcome::NotLoaded;
use crate::row::Row;
use crate::table::PROFILE;
use crate::table::run;

#[tokio::test(flavor = "multi_thread")]
async fn faults() {
    let role = "[default]\nrole_arn = arn:aws:iam::210987654321:role/app\n\
                credential_source = Environment\n";
    let sts = |name| Row::new(name).config(role).user().source(PROFILE);
    run(vec![
        Row::new("a container that answers 500 and recovers")
            .container()
            .when(|fakes| {
                let script = Script::first([Step::SERVER_ERROR]);
                fakes.container.answer_with(script);
            })
            .gives("ASIACONTAINER"),
        Row::new("a container that hangs up and recovers")
            .container()
            .when(|fakes| fakes.container.answer_with(Script::first([Step::HangUp])))
            .gives("ASIACONTAINER"),
        Row::new("a container whose answer breaks off")
            .container()
            .when(|fakes| fakes.container.answer_with(Script::first([Step::Half])))
            .gives("ASIACONTAINER"),
        Row::new("a container with malformed JSON")
            .container()
            .when(|fakes| {
                let script = Script::first([Step::Malformed]);
                fakes.container.answer_with(script);
            })
            .gives("ASIACONTAINER"),
        Row::new("a container that is out of order")
            .container()
            .when(|fakes| fakes.container.answer_with(Step::SERVER_ERROR))
            .is(Failed),
        Row::new("a container without a secret")
            .container()
            .when(|fakes| {
                let script = Step::Without("SecretAccessKey");
                fakes.container.answer_with(script);
            })
            .is(Failed),
        Row::new("a container with an end that is none")
            .container()
            .when(|fakes| fakes.container.answer_with(Step::Spoilt("Expiration")))
            .is(Failed),
        Row::new("a container with expired credentials")
            .container()
            .when(|fakes| {
                let expired = Handout::new("late").expiring_at(UNIX_EPOCH);
                fakes.container.answer_with(Step::Hand(expired));
            })
            .gives("ASIALATE"),
        Row::new("an instance that answers 500 and recovers")
            .imds()
            .when(|fakes| {
                fakes
                    .imds
                    .answer_tokens_with(Script::first([Step::SERVER_ERROR]));
                fakes.imds.answer_with(Script::first([Step::SERVER_ERROR]));
            })
            .gives("ASIAINSTANCE"),
        Row::new("an instance that does not answer")
            .imds()
            .when(|fakes| fakes.imds.answer_tokens_with(Step::Hang))
            .is(NotLoaded),
        Row::new("an instance with malformed JSON")
            .imds()
            .when(|fakes| fakes.imds.answer_with(Step::Malformed))
            .is(Failed),
        Row::new("an instance without a token in its credentials")
            .imds()
            .when(|fakes| fakes.imds.answer_with(Step::Without("Token")))
            .is(Failed),
        Row::new("an instance with an end that is none")
            .imds()
            .when(|fakes| fakes.imds.answer_with(Step::Spoilt("Expiration")))
            .is(Failed),
        Row::new("an instance with expired credentials")
            .imds()
            .when(|fakes| {
                let expired = Handout::new("late").expired();
                fakes.imds.answer_with(Step::Hand(expired));
            })
            .expiry_differs("the cache decides what to do about them, not the provider")
            .gives("ASIALATE"),
        sts("STS that answers 500 and recovers")
            .when(|fakes| fakes.sts.answer_with(Script::first([Step::SERVER_ERROR])))
            .gives("ASIAAPP"),
        sts("STS with malformed XML")
            .when(|fakes| fakes.sts.answer_with(Step::Malformed))
            .is(Failed),
        sts("STS without a secret")
            .when(|fakes| fakes.sts.answer_with(Step::Without("SecretAccessKey")))
            .is(Failed),
        sts("STS with an end that is none")
            .when(|fakes| fakes.sts.answer_with(Step::Spoilt("Expiration")))
            .is(Failed),
        sts("STS with expired credentials")
            .when(|fakes| {
                let expired = Handout::new("late").expiring_at(UNIX_EPOCH);
                fakes.sts.answer_with(Step::Hand(expired));
            })
            .gives("ASIALATE"),
        sts("STS that does not know the key")
            .env(&[("AWS_ACCESS_KEY_ID", "AKIDNOBODY")])
            .is(Failed),
    ])
    .await;
}
