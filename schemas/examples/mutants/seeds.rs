//! Messages of our own, for what the files lack: Italian codes, accents, escapes, documents, several persons, a batch.
//! Made-up people.

const PEOPLE: &str = "\
MSH|^~\\&|LIS|LAB^1.2.3^ISO|||20201020110500+0200||ORU^R01^ORU_R01|M1|P|2.5.1||||||UNICODE UTF-8
PID|1||X-1^^^LAB&1.2.4&ISO^PI~rssmra85t10a562s^^^MEF&2.16.840.1.113883.2.9.4.3.2&ISO^NNITA||Rossi\\T\\Verdi&di^Niccol\u{f2}^^^^^D~Rossi^Mario^^^^^L||19851210|M|||Via Po 1^^Torino^TO^10123^ITA^L^^001272||^PRN^PH^^39^011^5551234~^PRN^CP^^39^333^1234567
NTE|1||of the person
ORC|RE|P1|F9
OBR|1|P1|F1^LAB|94500-6^SARS-CoV-2 RNA^LN^T1^Tampone^L|||20201019083000|||||||20201019100000|||||||||20201020110400|||F
OBX|1|CWE|94500-6^SARS-CoV-2 RNA^LN||P^Positivo^L^260373001^Detected^SCT~10828004^Positive^SCT|||POS~A|||F
NTE|1||citt\\XC3A0\\ e \\XE8\\ \\.br\\a capo
OBX|2|SN|94746-5^Ct^LN||>^35^:^40|1^one^UCUM|30-40||||P
OBX|3|FT|T9^Testo^L||uno\\F\\due\\R\\~tre\\E\\|mg^milli^UCUM||N||
OBX|4|ST|95419-8^Sintomi^LN||febbre||||||O
SPM|1|S1&A^S2&B||258500001^Swab^SCT|||||||||||||20201019080000^20201019080500|20201019120000
OBX|1|NM|3141-9^Peso^LN||70|kg|||||F|||||||||||||||||SCI
OBR|2|P2|F2|94558-4^Antigen^LN|||202010190830|||||||||||||||202010250230|||C
OBX|1|ED|11502-2^Report^LN||LAB^application^PDF^Base64^JVBERi0xLjQKJSBwZGY=||||||F
OBX|2|ED|11502-2^Report^LN||^TEXT^^A^a\\T\\b||||||F
OBX|3|ED|11502-2^Report^LN||^IM^JPEG^Hex^FFD8FFE0||||||C
OBX|4|CE|94558-4^Ag^LN||260415000^Not detected^SCT||||||C
OBR|3|P1|F1|94500-6^SARS-CoV-2 RNA^LN|||||||||||||||||||20201020120000|||F
OBX|1|ST|94500-6^SARS-CoV-2 RNA^LN||POSITIVO||||||F
PID|2||MRTMTT91D08F205J||Moretti^Matteo||1991|M|||||333 7654321|^WPN^PH^^^011^7654321
OBR|4||^LAB|^Tampone rapido^L^RAP^^L|||20201019
OBX|1||RAP^Rapido^L||NEGATIVO|||NEG|||W
SPM|2|^S77||^Tampone nasale
";

const BATCH: &str = "\
FHS|^~\\&|LIS|LAB
BHS|^~\\&|LIS|LAB|||20201020||||B1
MSH|^~\\&#|LIS|LAB|||20201020110500.1234-0500||ORU^R01|M1|T|2.7|||||ITA|8859/1
PID|1||STP0101234567890^^^&2.16.840.1.113883.2.9.4.3.17&ISO||D\\X27\\Amico^Ana\u{ef}s||198502|F
OBR|1||A1&x|L1^Tampone^L|||20200329023000|||||||||||||||20201020110400+0200|||X
OBX|1|TX|L1^Tampone^L||cut\\P\\ here#||||||X
MSH$%*!+$LIS$LAB$$$20201020110500$$ORU_R01$M2$D$2.3
PID$1$$9%%%LAB+1.2.4+ISO$$Bianchi%Anna$$19850101$F
OBR$1$$A2$94558-4%Ag%LN$$$20201019$$$$$$$$$$$$$$$20201020$$$P
OBX$1$ST$94558-4%Ag%LN$$a!F!b!S!c!T!d!R!e!E!f$$$$$$R
BTS|2
FTS|1
";

/// The seeds, under names that no file has; the first with carriage returns, as the standard ends segments.
pub(super) fn all() -> Vec<(String, Vec<u8>)> {
    vec![
        ("seed: people".to_owned(), PEOPLE.replace('\n', "\r").into_bytes()),
        // The first message says ISO-8859-1, and the bytes are.
        ("seed: batch".to_owned(), BATCH.chars().map(|sign| sign as u8).collect()),
    ]
}

pub(super) fn is_seed(name: &str) -> bool {
    name.starts_with("seed: ")
}
