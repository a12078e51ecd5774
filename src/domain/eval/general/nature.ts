// General knowledge, written for Retune: a passage, then its two questions after "?". Neighbours are about nearly the
// same thing, so that finding the right one takes more than the topic.
export const NATURE = `
Rain forms when tiny droplets in a cloud collide and join until they are too heavy for the rising air
to hold, and then they fall.
? What makes raindrops fall out of a cloud?
? How do droplets grow before it rains?

Hail grows inside tall thunderclouds: strong updrafts carry a frozen pellet up again and again, and each
round adds a layer of ice.
? Why do hailstones have layers?
? Which kind of cloud produces hail?

Fog is a cloud that touches the ground. It often forms at night when moist air near the soil cools below
its dew point.
? When does mist form over fields after sunset?
? What is the difference between fog and a cloud?

Thunder is the sound of air that lightning heats so fast that it expands like an explosion. Three seconds
between flash and bang mean about a kilometre.
? How can I estimate the distance of a thunderstorm?
? What causes the bang after a flash in the sky?

Honeybees tell each other where flowers are by a dance: its angle shows the direction relative to the sun,
its length the distance.
? How do bees report the direction of food?
? What does the waggle dance mean?

Ants lay a scent trail from food to nest. Others follow it and make it stronger, so short paths win because
they are refreshed more often.
? Why do ants walk in a line?
? How does a colony find the shortest way to food?

Spiders spin silk from glands at the end of their body. The frame of a web is dry and strong, while the
spiral carries sticky drops that hold prey.
? Which part of a spider's web is sticky?
? Where does spider silk come from?

Butterflies begin as caterpillars that only eat and grow. In the pupa most of the body is taken apart and
built anew with wings.
? What happens inside a chrysalis?
? How does a caterpillar get wings?

The Moon pulls at the oceans and raises a bulge on the near and on the far side of the Earth, so most coasts
see two high tides a day.
? Why are there two high tides every day?
? What has the Moon to do with sea level?

We always see the same side of the Moon because it turns once around itself in the time in which it goes
once around the Earth.
? Why is the far side of the Moon never visible from here?
? How long does the Moon take to rotate?

A lunar eclipse happens at full moon, when the Earth stands between Sun and Moon. Light bent by our air
colours the Moon copper red.
? Why does the Moon turn red during an eclipse?
? At which phase can a lunar eclipse occur?

Seasons come from the tilt of the Earth's axis. In June the northern half leans towards the Sun, gets
steeper light and longer days.
? What causes summer and winter?
? Why are days longer in June in the north?

Mars looks red because its dust is full of iron oxide, the same substance as rust. Its thin air is mostly
carbon dioxide.
? What gives the red planet its colour?
? What is the atmosphere of Mars made of?

Saturn's rings are countless pieces of water ice, from grains to boulders, that circle the planet in a disc
which is often only tens of metres thick.
? What are the rings of Saturn made of?
? How thick is Saturn's disc of ice?

Venus is the hottest planet although Mercury is closer to the Sun: dense carbon dioxide keeps its heat like
a greenhouse.
? Which planet has the highest surface temperature?
? Why is Venus hotter than Mercury?

Jupiter's Great Red Spot is a storm wider than the Earth that has been watched for centuries. It slowly
shrinks.
? How large is the famous storm on Jupiter?
? What is the red oval seen on the biggest planet?

Granite forms when magma cools slowly deep underground, which gives its crystals of quartz, feldspar and
mica time to grow large.
? Why can you see crystals in granite?
? Which rock forms from slowly cooling magma?

Basalt is lava that cooled quickly at the surface or under the sea. Its grains are too fine to be seen and
it makes up most of the ocean floor.
? What is the sea floor mostly made of?
? Which dark rock comes from fast cooling lava?

Limestone is built from shells and skeletons of sea creatures that sank to the bottom. Rain that holds
carbon dioxide dissolves it and hollows out caves.
? How do caves form in limestone?
? Which rock consists of old shells?

Earthquakes occur where plates of the crust stick while they move. When the strain is too great, they slip
at once and waves run through the ground.
? Why does the ground suddenly shake?
? What builds up before plates slip?

Leaves turn yellow in autumn because trees take back the green chlorophyll, and the yellow pigments that
were there all along become visible.
? Why do leaves change colour before winter?
? Where do yellow colours of autumn come from?

Plants make sugar from carbon dioxide and water with the energy of light. The oxygen that we breathe is what
is left over.
? What do plants produce from sunlight?
? Where does the oxygen in the air come from?

Cacti store water in thick stems. Their spines are leaves that hardly lose water and keep animals away.
? What are the thorns of a cactus?
? How do desert plants keep water?

Roots of most trees live together with fungi that bring water and minerals from a wide area and get sugar in
return.
? What do trees give to fungi in the soil?
? Which partnership helps roots to get minerals?

Whales are mammals: they breathe air, are warm-blooded and feed their calves with milk. Their tails beat up
and down, not sideways like those of fish.
? How does a whale's tail move compared with that of a fish?
? Are whales fish or mammals?

Sharks have skeletons of cartilage instead of bone and keep growing new teeth in rows throughout their life.
? What are shark skeletons made of?
? How often do sharks get new teeth?

An octopus has three hearts, blue blood and most of its nerve cells in its arms, which can act on their own.
? Which animal has three hearts?
? Where are the nerve cells of an octopus?

Salmon hatch in rivers, grow up in the sea and return to the stream of their birth by its smell, to spawn
there.
? How do salmon find their home river?
? Why do some fish swim upstream?

Penguins huddle in the cold and take turns at the outer edge, so that each bird spends time in the warm
middle.
? How do penguins stay warm together?
? Who stands at the edge of a huddle of penguins?

Owls hear so well because one ear sits higher than the other. The tiny difference in sound tells them how
high a mouse is.
? How do owls locate prey in the dark?
? Why are an owl's ears at different heights?

Migrating birds find their way by the sun, the stars and the Earth's magnetic field, and by landmarks that
they have learnt.
? How do birds navigate on long journeys?
? Which senses guide birds to the south?

Woodpeckers can hammer at trees because their skull is tight around the brain and the beak hits straight and
only for a thousandth of a second.
? Why does a woodpecker not get a headache?
? How long does the beak touch the tree in a peck?

Rivers bend because water flows faster on the outside of a curve and carries soil away there, while it drops
sand on the inside.
? Why do rivers meander?
? On which side of a bend does a river drop sand?

Glaciers are snow that has been pressed to ice under its own weight. They flow downhill slowly and grind
valleys into the shape of a U.
? How do glaciers shape valleys?
? What turns snow into glacier ice?

Deltas grow where a river reaches the sea, loses speed and lets mud and sand sink until new land appears.
? How does new land form at the mouth of a river?
? What happens to mud when a river enters the sea?

Deserts are dry places with little rain; they may be cold. The largest of all is Antarctica.
? What is the largest desert on Earth?
? Can a desert be cold?

Diamonds are carbon crystals that were pressed deep in the mantle. Graphite in pencils is carbon too, but its
atoms lie in sheets that slide.
? What do pencils and diamonds have in common?
? Why is graphite soft?

Salt dissolves in water because water molecules pull its sodium and chloride ions apart and surround them.
? What happens to salt in water?
? Which ions does table salt consist of?

Iron rusts when it meets oxygen and water. Salt speeds it up, zinc or paint keeps it away.
? How can rust be prevented?
? Why do cars rust faster by the sea?

Ice floats because water expands as it freezes: its molecules build an open lattice that takes more room.
? Why does ice swim on a lake?
? What happens to the volume of water when it freezes?
`;
