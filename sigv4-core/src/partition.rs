//! Partitions: where the hosts of a region are.

/// Returns under which name the hosts of a region are, by its partition.
///
/// It is what the endpoints of most services end with: `SERVICE.REGION.` and this. A region that is
/// not known, because it is newer than this list, is taken for one of `amazonaws.com`.
///
/// ```
/// let host = |region| format!("bedrock-runtime.{region}.{}", sigv4_core::dns_suffix(region));
/// assert_eq!(host("us-east-1"), "bedrock-runtime.us-east-1.amazonaws.com");
/// assert_eq!(host("cn-north-1"), "bedrock-runtime.cn-north-1.amazonaws.com.cn");
/// ```
///
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-region.html>
#[must_use]
pub fn dns_suffix(region: &str) -> &'static str {
    Partition::of(region).suffix
}

/// Returns under which name the hosts of a region are that speak IPv6 as well as IPv4.
///
/// It is what the dual-stack endpoints of most services end with, as [`dns_suffix`] is for the
/// others. It does not say that a service has one.
///
/// ```
/// let suffix = sigv4_core::dual_stack_dns_suffix("eu-west-1");
/// assert_eq!(format!("kms.eu-west-1.{suffix}"), "kms.eu-west-1.api.aws");
/// ```
///
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-endpoints.html>
#[must_use]
pub fn dual_stack_dns_suffix(region: &str) -> &'static str {
    Partition::of(region).dual_stack_suffix
}

/// A part of AWS that has names of its own.
struct Partition {
    /// How its regions begin.
    prefix: &'static str,
    suffix: &'static str,
    dual_stack_suffix: &'static str,
}

impl Partition {
    const fn new(
        prefix: &'static str,
        suffix: &'static str,
        dual_stack_suffix: &'static str,
    ) -> Self {
        Self {
            prefix,
            suffix,
            dual_stack_suffix,
        }
    }

    fn of(region: &str) -> &'static Self {
        let mut others = PARTITIONS.iter();
        let found = others.find(|partition| region.starts_with(partition.prefix));
        found.unwrap_or(&COMMERCIAL)
    }
}

/// The partitions whose hosts are not under `amazonaws.com`, as `partitions.json` of the SDKs has
/// them.
const PARTITIONS: [Partition; 6] = [
    Partition::new("cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    Partition::new("us-iso-", "c2s.ic.gov", "api.aws.ic.gov"),
    Partition::new("us-isob-", "sc2s.sgov.gov", "api.aws.scloud"),
    Partition::new("us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
    Partition::new("eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    Partition::new("eusc-", "amazonaws.eu", "api.amazonwebservices.eu"),
];
/// All others, GovCloud among them.
const COMMERCIAL: Partition = Partition::new("", "amazonaws.com", "api.aws");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_of_other_partitions_are_elsewhere() {
        for (region, suffix, dual_stack) in [
            ("us-east-1", "amazonaws.com", "api.aws"),
            ("mx-central-1", "amazonaws.com", "api.aws"),
            ("us-gov-west-1", "amazonaws.com", "api.aws"),
            (
                "cn-north-1",
                "amazonaws.com.cn",
                "api.amazonwebservices.com.cn",
            ),
            ("us-iso-east-1", "c2s.ic.gov", "api.aws.ic.gov"),
            ("us-isob-east-1", "sc2s.sgov.gov", "api.aws.scloud"),
            ("us-isof-south-1", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
            ("eu-isoe-west-1", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
            ("eusc-de-east-1", "amazonaws.eu", "api.amazonwebservices.eu"),
        ] {
            assert_eq!(dns_suffix(region), suffix, "{region}");
            assert_eq!(dual_stack_dns_suffix(region), dual_stack, "{region}");
        }
    }
}
