//! The names, towns and streets that generated people have. The people are made up.

/// Surnames, some with accents, apostrophes and spaces.
pub(crate) const FAMILIES: [&str; 48] = [
    "Rossi",
    "Russo",
    "Ferrari",
    "Esposito",
    "Bianchi",
    "Romano",
    "Colombo",
    "Ricci",
    "Marino",
    "Greco",
    "Bruno",
    "Gallo",
    "Conti",
    "De Luca",
    "Costa",
    "Giordano",
    "Mancini",
    "Rizzo",
    "Lombardi",
    "Moretti",
    "Barbieri",
    "Fontana",
    "Santoro",
    "Mariani",
    "Rinaldi",
    "Caruso",
    "Ferrara",
    "Galli",
    "Martini",
    "Leone",
    "D'Angelo",
    "Dell'Acqua",
    "D'Amico",
    "Lo Giudice",
    "De Santis",
    "Di Stefano",
    "Nicolò",
    "Cantù",
    "Mondò",
    "Viganò",
    "Canapè",
    "Fò",
    "Re",
    "Bertolè",
    "Popescu",
    "El Idrissi",
    "Hu",
    "Müller",
];

/// Given names of men.
pub(crate) const MEN: [&str; 24] = [
    "Mario",
    "Luca",
    "Giuseppe",
    "Andrea",
    "Marco",
    "Francesco",
    "Alessandro",
    "Matteo",
    "Lorenzo",
    "Davide",
    "Simone",
    "Stefano",
    "Nicolò",
    "Niccolò",
    "Giosuè",
    "Gian Luca",
    "Pier Paolo",
    "Michele",
    "Antonio",
    "Ezio",
    "Mirko",
    "Ugo",
    "Amedeo",
    "Ciro",
];

/// Given names of women.
pub(crate) const WOMEN: [&str; 24] = [
    "Maria",
    "Anna",
    "Giulia",
    "Chiara",
    "Sara",
    "Francesca",
    "Elena",
    "Martina",
    "Alessia",
    "Giorgia",
    "Noemi",
    "Mariolù",
    "Anna Maria",
    "Zoè",
    "Desirée",
    "Beatrice",
    "Lucia",
    "Teresa",
    "Ludovica",
    "Caterina",
    "Ada",
    "Ines",
    "Mia",
    "Bea",
];

/// A municipality where people live.
pub(crate) struct Town {
    /// ISTAT's code.
    pub(crate) istat: &'static str,
    /// Its name.
    pub(crate) name: &'static str,
    /// The province's letters.
    pub(crate) province: &'static str,
    /// Postal code.
    pub(crate) postal_code: &'static str,
    /// Its health district, an FLS code.
    pub(crate) district: &'static str,
}

const fn town(
    istat: &'static str,
    name: &'static str,
    province: &'static str,
    postal_code: &'static str,
    district: &'static str,
) -> Town {
    Town { istat, name, province, postal_code, district }
}

/// Municipalities of Piemonte.
pub(crate) const TOWNS: [Town; 19] = [
    town("001272", "Torino", "TO", "10121", "010301"),
    town("001219", "Rivoli", "TO", "10098", "010203"),
    town("001090", "Collegno", "TO", "10093", "010203"),
    town("001191", "Pinerolo", "TO", "10064", "010203"),
    town("001125", "Ivrea", "TO", "10015", "010204"),
    town("001078", "Chieri", "TO", "10023", "010205"),
    town("001156", "Moncalieri", "TO", "10024", "010205"),
    town("001164", "Nichelino", "TO", "10042", "010205"),
    town("002158", "Vercelli", "VC", "13100", "010206"),
    town("096004", "Biella", "BI", "13900", "010207"),
    town("003106", "Novara", "NO", "28100", "010208"),
    town("103072", "Verbania", "VB", "28922", "010209"),
    town("004078", "Cuneo", "CN", "12100", "010210"),
    town("004130", "Mondovì", "CN", "12084", "010210"),
    town("004003", "Alba", "CN", "12051", "010211"),
    town("004029", "Bra", "CN", "12042", "010211"),
    town("005005", "Asti", "AT", "14100", "010212"),
    town("006003", "Alessandria", "AL", "15121", "010213"),
    town("006039", "Casale Monferrato", "AL", "15033", "010213"),
];

/// Place codes of birth that were in force throughout the birth years generated; `Z` is abroad.
pub(crate) const BIRTHPLACES: [&str; 20] = [
    "L219", "L219", "L219", "D205", "F952", "H355", "C860", "C627", "F335", "G674", "F889", "D969", "B885", "F351",
    "F839", "G273", "C351", "Z129", "Z330", "Z100",
];

/// Streets.
pub(crate) const STREETS: [&str; 12] = [
    "Via Po",
    "Corso Francia",
    "Via Garibaldi",
    "Piazza della Libertà",
    "Via Nizza",
    "Corso Unione Sovietica",
    "Via dell'Ospedale",
    "Strada del Nobile",
    "Via San Donato",
    "Largo Cibrario",
    "Via Cavour",
    "Viale XXV Aprile",
];

/// What laboratories write at the foot of a report.
pub(crate) const SENTENCES: [&str; 8] = [
    "Metodo: RT-PCR in tempo reale su estratto di acido nucleico.",
    "Il risultato va interpretato dal medico insieme al quadro clinico e all'anamnesi.",
    "Un esito negativo non esclude l'infezione: la carica virale può essere sotto il limite di rilevazione.",
    "Campione pervenuto in condizioni idonee, temperatura di trasporto tra 2 e 8 °C.",
    "Si consiglia di ripetere il tampone a distanza di 48 ore se i sintomi persistono.",
    "Limite di rilevazione dichiarato dal produttore: 100 copie/mL & specificità 99,8%.",
    "Referto firmato digitalmente ai sensi degli articoli 20 e 24 del D.Lgs. 82/2005.",
    "Per informazioni: segreteria del laboratorio, da lunedì a venerdì, ore 9-13.",
];
