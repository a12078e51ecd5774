// Words of the nano language and of the tables that its SQL rows are about. Names of tables, columns and values never reach the
// model, only their placeholders do; held-out names make schemas that no training row has.
export const THINGS: readonly string[] = (
  "bridge gate tower garden river harbour mill lantern barrel wagon anchor bell boat castle cellar chapel clock drum fence ferry " +
  "forge fountain ladder market mirror orchard oven pier quarry ribbon saddle shed stable statue tent tunnel vault well wheel window"
).split(" ");
export const MARKS: readonly string[] = "sign seal badge flag".split(" ");
export const COLOURS: readonly string[] =
  "red blue green white black brown grey pink yellow purple orange pale".split(" ");
export const MATERIALS: readonly string[] =
  "copper iron stone glass silver wool clay silk amber marble bronze oak".split(" ");
export const PEOPLE: readonly string[] =
  "keeper baker sailor miller weaver farmer guard painter smith cook".split(" ");
export const DIRECTIONS: readonly string[] = "north south east west".split(" ");
export const COUNTS: readonly string[] = "one two three four five six seven eight nine".split(" ");

export interface TableWords {
  readonly tables: readonly string[];
  readonly texts: readonly string[]; // names of text columns
  readonly numbers: readonly string[]; // names of number columns
  readonly values: readonly string[];
}

export const TRAINING_TABLES: TableWords = {
  tables: (
    "singers albums concerts players teams matches students courses teachers schools hotels rooms guests books authors publishers " +
    "movies directors cinemas recipes dishes menus cars engines garages flights pilots airports trains stations drivers ships ports " +
    "crews doctors clinics patients farms crops tractors shops orders customers painters galleries museums cities countries rivers"
  ).split(" "),
  texts:
    "name title country city colour genre language owner brand kind status region sponsor nickname street origin label".split(
      " ",
    ),
  numbers:
    "age price year weight height length score rating capacity salary distance speed budget floors seats pages wins".split(
      " ",
    ),
  values: (
    "Oslo Paris Lima Cairo Delhi Tokyo Quito Dakar Sofia Milan Boston Kyoto Anna Boris Clara David Elena Felix Greta Hugo Irene " +
    "Jonas Karin Louis Maria Nadia Oscar Petra Quentin Rosa Simon Tanja"
  ).split(" "),
};

export const HELD_OUT_TABLES: TableWords = {
  tables:
    "glaciers volcanoes comets satellites orchids beetles parrots violins chapels lighthouses tunnels canals mines mills bakers".split(
      " ",
    ),
  texts: "founder habitat continent material season surname dialect currency guild texture".split(" "),
  numbers: "depth altitude mass radius wingspan lifespan tonnage humidity voltage mileage".split(" "),
  values:
    "Bergen Porto Cusco Luxor Pune Osaka Leon Accra Varna Turin Selma Nara Ursula Viktor Wanda Xenia Yusuf Zelda Arne Bianca".split(
      " ",
    ),
};
