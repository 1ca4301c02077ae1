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
    PARTITIONS
        .iter()
        .find(|(prefix, _)| region.starts_with(prefix))
        .map_or("amazonaws.com", |(_, suffix)| suffix)
}

/// The partitions whose hosts are not under `amazonaws.com`, by how their regions begin, as
/// `partitions.json` of the SDKs has them.
const PARTITIONS: [(&str, &str); 6] = [
    ("cn-", "amazonaws.com.cn"),
    ("us-iso-", "c2s.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("us-isof-", "csp.hci.ic.gov"),
    ("eu-isoe-", "cloud.adc-e.uk"),
    ("eusc-", "amazonaws.eu"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_of_other_partitions_are_elsewhere() {
        for (region, suffix) in [
            ("us-east-1", "amazonaws.com"),
            ("mx-central-1", "amazonaws.com"),
            ("us-gov-west-1", "amazonaws.com"),
            ("cn-north-1", "amazonaws.com.cn"),
            ("us-iso-east-1", "c2s.ic.gov"),
            ("us-isob-east-1", "sc2s.sgov.gov"),
            ("us-isof-south-1", "csp.hci.ic.gov"),
            ("eu-isoe-west-1", "cloud.adc-e.uk"),
            ("eusc-de-east-1", "amazonaws.eu"),
        ] {
            assert_eq!(dns_suffix(region), suffix, "{region}");
        }
    }
}
