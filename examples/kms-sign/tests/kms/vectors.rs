//! Keys and signatures that OpenSSL 3 made, of the message `an order`, all in base64:
//!
//! ```text
//! openssl dgst -sha256 -sign rsa.pem -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest
//! ```

/// What was signed.
pub(crate) const MESSAGE: &[u8] = b"an order";

/// A key of 2048 bits.
pub(crate) const RSA: &str = "\
     MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEArwsjzsK3M+dRAqfnVrcF/6Za7ath/hIbcC4hdU9QizditN\
     xM8chaeSRp0beswBnaK5VkWeVjr2fCtSzB1iUkGaZ7yHRaaeoXoHzQ35MhUf1MS+BKomv0DieazQdW2vD2XCw0mPHE\
     niu4IgSnN4x7Kby6XWjqtalmvKOBxCz4zDDUfMyrNPl3yrFDGiLf0oUK7s8BXK6qRuC61kpXgCC3/YbLl+kUAN1123\
     ZN0LCZF3ZfAcj7WwmG/x3yXGM76vYu8Di5fBLPmlhpX33DrCXMtquTciZaBeZiuUwXliQ1/MLUL1mYE/9Yq9At6g6v\
     eX83nbm+Y63/McxkGIauPkBC8wIDAQAB";

/// A key on P-256.
pub(crate) const P256: &str = "\
     MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeHI6ZpRpTbsCmOTqCTNzMX3ny31uSeG0XhNBrNQrKgO9sMKfHxG4pT\
     5wLp2qdUsAiVtgYTJaTA0L7cRu3e3KCQ==";

/// A key on P-384.
pub(crate) const P384: &str = "\
     MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEN7EUVFvhXwYDq5e4qE84W5gQQPqgCe0WZ9H/Eo+2dsRh1Z7Q0LPfTLveir\
     wJpO+LP+8d/TcdX1Zby/QLdCk6yEPRrZ/jpi3IEvV43MK1YfOPnUMo0tdTk7tqaxfPuHkY";

/// Algorithm, key and signature.
pub(crate) const SIGNATURES: [(&str, &str, &str); 8] = [
    (
        "ECDSA_SHA_256",
        P256,
        "MEQCIDm2H3rnDyE59Y9sdIR22ALzENocFQjDYEG/ZucJ/q59AiAfzKFrZnum986qrizZPN7qomPxMpjrqjbM\
         j2RSte/d+Q==",
    ),
    (
        "ECDSA_SHA_384",
        P384,
        "MGUCMCtwOjBwdtmPamZtFhAubwGLfvQ69mtQCZRSt9ji88Lfwn6M4WuzIRXrMmBLLpz6DgIxAOZEQ9KieEzT\
         oasEOq4/rUhiT4OWxkPixAklkDW3S7aGdnDobEeF+Uk0jyj8EVn2PQ==",
    ),
    (
        "RSASSA_PSS_SHA_256",
        RSA,
        "OpLfHYZ3QLMEHYfSJplzR1bJ3FZSVx/+5dGsid6+SnCWxXXPHT4uVmShmDjT7LAvqvI9/2xQvrq9LSLUY1+o\
         YUf0/AyXOuLyd4D2l7DbazNHdTLN9xnHT2KxxJqp+UHtQ29xYJvMx6DZePL2yrs7m5bB7Zg9RVlaITheVzEU\
         aAisIAeDNhe03TCM+hz8fnX3hYvxYj2gnMvinmOz+vgYSUam/QxmkmALieYak0o4c2PuY0wdzMErlbzM4gxz\
         XnSfRgJoiW+AygPDBrU01zcx8LaJu+Z20m/LfyQGd3bOEtmBY7qHHC4mBV0hl4uE9A/AAJoPEq0ZRldOBACj\
         6nYEVw==",
    ),
    (
        "RSASSA_PSS_SHA_384",
        RSA,
        "ng3gmKbSN9WiSiVoKnyJU5mm9+mP+dFOn42q7yzto98BEjEJGWXWYazNAPT67ykGEht0ZNoab72chlQ3UQux\
         M0ykAueaVNx5nTfBk7TU7b4wmrqRdCpCoyt9QHdhlvFXITWD5uBgjSLaE9BFvwwJDpG3oPtJBAoWplpEB4pz\
         9v3EjWy2mQtByGfzOJLX5cyuD1ZWy3HlYxTPOSEU0TjC/SU5pDNf3AqbrKHwCGjUAEl1+NbOdLHHkwAdk1Iy\
         khspmWO6zr/uJh8rslI+/XbkCq/idmopkAE8OuAPuhGakqtEToaHtFw35DsR7yl+UoQIIE2K60YNRwyZtPwu\
         BmY6Rg==",
    ),
    (
        "RSASSA_PSS_SHA_512",
        RSA,
        "gndo0yscyKcmZmKXb3ybZCC9IrtS2ncUYg5MFLneCCUYlyk2rCbArUDR7MRtjf6m80vFqqOFRq3DSpx5zZpA\
         YV6mV6hFWx9HBiy1+tq1WIfnkaUcVHHet8wtjtU/rgWfFAL8B9Tf52SdRRe5hlJ1ViGCnRrgkD3vglrc1bJl\
         a7Nij/bjoHl6ycTxIsKdTcp/cUDYzztrZZDFY+R5Eqsa5ARTVuxpvSSci7I1EFrAyBM4FzjyYUrSwnDSr1sq\
         AeIaWw2yEX5KnaXgxkNqhjmAFsFQunnYbHLVOYIxChcQVlnaTC6MHFLWzuzOXVBFho4y1thgPzV4Qe3rYj+y\
         oQYBpQ==",
    ),
    (
        "RSASSA_PKCS1_V1_5_SHA_256",
        RSA,
        "YWR4DVZZZpodvBcgkZGiWttXE9G/N6Xw5X3w/sqYpfCTqVxoOrG2a5GsA9MswItdyWKncOlRuU38Fb5ErT/+\
         3tk4vb17O7Slj7aty+dzGuB1ycGVHabMtO8FmYoeX5cRw7jWmlcmbju0smXCRjtPvuUbFz1O6NpJ56S3bw2r\
         gs5O2e/G4jMnNP+NbuPwQgl2XwOHyXSRfmdojVG3k36momvd09KGbfst5OLkQOnpaJbkEGqWkk/gzmPEdqqb\
         kj4EMpXxR3bOMYUjAarD3AdK5UxnCyi7OgCsw8/UhjrkPuTk2qO2Cv559E4svEgZ0O1Wd6YNvPTsppCPoZnR\
         m0NbrQ==",
    ),
    (
        "RSASSA_PKCS1_V1_5_SHA_384",
        RSA,
        "po6nRwr32uR6qW0sr3D78Mdw0TD8dcT6bLXSf7yZaS1NV/bxHCYaZZGG76l1STXF3MFwv4XCCbcGSMYEDISQ\
         bdbzCWMyL7ZojULG9QjLdmoPchLxMC+VFetZGRWQz7FGcSHp1vOKhYuN4CjZGm76TebK+haqKrpwVRN+wpD1\
         FebsJqd6hk0LbypxU+lxNjhAukMOJideic+oITaratx7o1357AmZylymMiofF5XShtLnmeLx9ohOOic9jj/9\
         M67+MbhCko7MSKWvBqstJjxlMzdqykLLKEhmq5oQPZu6MBnmxonN6oKs7I0UsCnAegWdLLSwVfiiIiFJw1+f\
         xydkMA==",
    ),
    (
        "RSASSA_PKCS1_V1_5_SHA_512",
        RSA,
        "aNegLLDgGcJ/u3qsMICCl6tu3ERqWRs1Ov6t5NG6n+qbrKZXrfrjWRjzZ7JkxxMwIH22s50Ao/rwuzmu51nV\
         5czyjFNrJWzu66gQgiQ5vgClIo4U/ii92ERI1BV+ffh/1wM1H+x+Ot4RzclW9GW+owTgL4AEtb3dBZJr4REm\
         yPR03u1SrSSfI4RkIUZIXuQxR6if+CuRp5AqhiHIa2Ahn0RUdWhD3lIk+zKYan4+BAMsML7CyfBh1vIRLyiX\
         lNGoa7YIdEszo6B4URmA6g8T1pJSbvhraTO/nTMlTXTZuXh/kMG80KpxRh8eacyIxf9tO9dJEnV5mqRtOikr\
         icb1ag==",
    ),
];
