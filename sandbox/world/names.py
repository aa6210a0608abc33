"""The words the data is made of. Every name is put together at random; e-mails and phone numbers lead nowhere."""

from typing import Final

FIRST_NAMES: Final = (
    "Siti", "Budi", "Dewi", "Agus", "Putri", "Rizky", "Ayu", "Hendra", "Indah", "Joko", "Kartika", "Lukman", "Maya",
    "Nanda", "Oki", "Prasetyo", "Ratna", "Slamet", "Tuti", "Umar", "Vina", "Wahyu", "Yanti", "Zainal", "Bayu", "Citra",
    "Dimas", "Eka", "Fajar", "Gita",
)  # fmt: skip
LAST_NAMES: Final = (
    "Rahayu", "Santoso", "Wijaya", "Lestari", "Hidayat", "Kusuma", "Nugroho", "Pratama", "Sari", "Setiawan", "Siregar",
    "Simanjuntak", "Suharto", "Suryani", "Utami", "Wibowo", "Yulianti", "Halim", "Gunawan", "Firmansyah", "Maulana",
    "Nasution", "Permata", "Saputra", "Hartono",
)  # fmt: skip
STREETS: Final = (
    "Melati",
    "Mawar",
    "Kenanga",
    "Cempaka",
    "Anggrek",
    "Flamboyan",
    "Dahlia",
    "Teratai",
    "Kamboja",
    "Bougenvil",
)
CITIES: Final = (
    ("Jakarta Selatan", "DKI Jakarta"),
    ("Bandung", "Jawa Barat"),
    ("Surabaya", "Jawa Timur"),
    ("Medan", "Sumatera Utara"),
    ("Semarang", "Jawa Tengah"),
    ("Makassar", "Sulawesi Selatan"),
    ("Palembang", "Sumatera Selatan"),
    ("Yogyakarta", "DI Yogyakarta"),
    ("Denpasar", "Bali"),
    ("Balikpapan", "Kalimantan Timur"),
    ("Malang", "Jawa Timur"),
    ("Padang", "Sumatera Barat"),
    ("Pekanbaru", "Riau"),
    ("Manado", "Sulawesi Utara"),
    ("Banjarmasin", "Kalimantan Selatan"),
    ("Pontianak", "Kalimantan Barat"),
    ("Bogor", "Jawa Barat"),
    ("Batam", "Kepulauan Riau"),
    ("Mataram", "Nusa Tenggara Barat"),
    ("Ambon", "Maluku"),
)
PROVIDER_KINDS: Final = (
    ("hospital", "RS"),
    ("clinic", "Klinik"),
    ("hospital", "RSIA"),
    ("pharmacy", "Apotek"),
    ("laboratory", "Laboratorium"),
)
PROVIDER_NAMES: Final = (
    "Harapan Sehat",
    "Bina Medika",
    "Cahaya Husada",
    "Sentosa",
    "Mitra Waras",
    "Sumber Sehat",
    "Prima Husada",
    "Kasih Bunda",
)
NETWORK_TIERS: Final = ("platinum", "gold", "silver")
RELATIONSHIPS: Final = ("spouse", "child", "child", "child")
REJECTION_REASONS: Final = (
    "Benefit not covered by the plan", "Documents incomplete", "Annual limit reached", "Outside the provider network",
    "Duplicate of an earlier claim",
)  # fmt: skip
DIAGNOSES: Final = ("J06.9", "K29.7", "I10", "E11.9", "M54.5", "A09", "H52.1", "K02.9", "O80", "R51")
