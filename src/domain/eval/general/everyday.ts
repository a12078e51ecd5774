// General knowledge of everyday life and technology, written for Retune: the same form as nature.ts.
export const EVERYDAY = `
Bread rises because yeast eats sugar in the dough and gives off carbon dioxide, which the stretchy gluten
holds in bubbles.
? Why does dough get bigger?
? What does yeast do in bread?

Sourdough is raised by wild yeast and by bacteria that make acid. They live in a starter that is fed with
flour and water.
? What lives in a sourdough starter?
? Where does the sour taste of some bread come from?

Baking powder holds an acid and baking soda. Moisture and heat let them react, and the gas makes a cake
light without any yeast.
? How does a cake rise without yeast?
? What is in baking powder?

Toast turns brown when amino acids and sugars react in the heat. The same reaction gives roasted meat and
coffee their smell.
? Why does toasted bread smell so good?
? What makes food brown in the oven?

Coffee keeps us awake because caffeine blocks the receptors for adenosine, a substance that makes us sleepy
as the day goes on.
? How does caffeine work in the brain?
? Why does coffee help against tiredness?

Green and black tea come from the same bush. For black tea the leaves are rolled and left to oxidise before
they are dried.
? What is the difference between green and black tea?
? How are tea leaves turned black?

Chocolate is made from cocoa beans that are fermented, dried, roasted and ground. Tempering gives it the
crystals that snap and shine.
? Why does good chocolate break with a snap?
? What happens to cocoa beans after the harvest?

Cheese begins with milk that rennet or acid makes curdle. The curd is cut, drained, salted and often left to
ripen for months.
? How is milk turned into cheese?
? What is rennet used for?

A refrigerator moves heat: a liquid evaporates inside and takes up warmth, a compressor squeezes the vapour,
and it gives the warmth off at the back.
? Why is the back of a fridge warm?
? How does a refrigerator get cold inside?

A microwave oven heats food because its waves make water molecules turn back and forth billions of times a
second.
? How does a microwave warm up food?
? Which molecules respond to microwaves?

An induction hob makes a changing magnetic field that drives currents in the bottom of the pot, so the pot
itself gets hot.
? Why must pans for induction be magnetic?
? What gets hot on an induction cooker?

A pressure cooker holds steam back, so water boils at about 120 degrees and food is done in a third of the
time.
? Why is food cooked faster under pressure?
? At what temperature does water boil in a closed pressure pot?

A bicycle stays upright while it rolls because it steers into the side to which it falls. Its trail and mass
make it do so by itself.
? Why does a moving bike not fall over?
? What does a bicycle do when it leans?

Gears on a bike trade speed for force: a small ring in front and a large one behind make hills easy, but each
turn carries you less far.
? Which gear should I use uphill?
? What is the cost of an easy gear?

Tyres lose air slowly because gas creeps through the rubber. Soft tyres roll harder and are pierced more
easily.
? Why do bicycle tyres go flat over the months?
? What is bad about riding with low pressure?

Disc brakes press pads against a disc at the hub. They work in rain better than rim brakes and do not wear the
wheel.
? Which brakes are better in wet weather?
? Where do disc brakes act?

A violin sounds because the rosined bow sticks to the string and slips again, hundreds of times a second, and
the body makes the sound loud.
? How does a bow make a string vibrate?
? What is the body of a violin for?

A flute has no reed: the player blows across an edge, and the stream of air swings in and out of the tube.
? How is the tone of a flute produced?
? Which wind instrument needs no reed?

A piano has hammers of felt that strike the strings and fall back at once. The pedal lifts the dampers, so
that notes ring on.
? What does the right pedal of a piano do?
? How does a piano make its sound?

An octave is a doubling of frequency. The note A above middle C has 440 vibrations a second, the A above it
880.
? How many hertz has the concert pitch?
? What is the frequency ratio of an octave?

A vaccine shows the immune system a harmless part of a germ, so that memory cells are ready when the real one
comes.
? How do vaccines protect people?
? What are memory cells good for?

Antibiotics kill bacteria or stop their growth. They do nothing against viruses, and using them too often
breeds resistance.
? Do antibiotics help against a cold virus?
? Why should antibiotics be used sparingly?

Fever is the body's own doing: a higher temperature slows many germs and speeds up the immune system.
? Is fever useful?
? Why does body temperature rise during an infection?

Red blood cells carry oxygen with haemoglobin, a protein that holds iron. Without enough iron we get pale and
tired.
? Why does lack of iron make people tired?
? What transports oxygen in the blood?

Muscles grow when strain causes small damage that is repaired with more protein than before. Rest is part of
it.
? How do muscles get bigger?
? Why is rest needed after training?

Bones are alive: cells build them where they are loaded and take them away where they are not, which is why
astronauts lose bone.
? Why do astronauts lose bone mass?
? How does exercise affect the skeleton?

While we sleep, the brain replays what was learnt and moves it to long-term memory. Too little sleep harms
attention first.
? What does sleep do for memory?
? What suffers first when we sleep too little?

Sunscreen filters take up or scatter ultraviolet light. The factor says how much longer skin can stay in the
sun before it burns.
? What does the number on sun cream mean?
? How does sunscreen protect the skin?

A compass needle is a small magnet that turns along the Earth's field. It points to the magnetic pole, which
is not quite the geographic one.
? Does a compass point exactly north?
? What is a compass needle made of?

Satellite navigation measures how long signals from at least four satellites take to arrive and works out
place and time from that.
? How many satellites does a GPS receiver need?
? How does a phone know where it is?

Longitude was hard to find at sea until clocks kept time on board: each hour of difference to home means
fifteen degrees.
? How did sailors determine longitude?
? How many degrees are an hour of time difference?

Maps cannot show a globe without distortion. Mercator's keeps angles, which helps sailors, but makes lands
near the poles far too large.
? Why does Greenland look so big on maps?
? What is the advantage of the Mercator projection?

A password manager keeps a different long password for every site behind one that you remember, so that one
theft does not open all doors.
? Why should I use different passwords everywhere?
? What does a password manager do?

Two-factor sign-in asks for something you know and something you have, so a stolen password alone is not
enough.
? What is a second factor good for?
? How can an account be safe if its password leaks?

Encryption with a public key lets anyone lock a message, but only the owner of the private key can open it.
? Who can read a message encrypted with a public key?
? What is the private key needed for?

A checksum is a short number computed from a file. If a copy has another one, it was damaged or changed.
? How can I tell that a download is damaged?
? What is a checksum?

Solar cells turn light into current: a photon lifts an electron in silicon, and a built-in field drives it to
one side.
? How do photovoltaic panels make electricity?
? What happens when light hits silicon?

Wind turbines turn slowly but their tips move very fast. Twice the wind speed holds eight times the power.
? How does the power of wind grow with its speed?
? Why are wind parks built where it blows hard?

A heat pump takes warmth from cold outside air and lifts it to the temperature of a heater. One unit of
current brings three or four of heat.
? How efficient is a heat pump?
? Can outside air warm a house in winter?

Batteries of lithium ions charge by moving ions into graphite and back. Heat and a full charge over months age
them.
? What makes phone batteries age?
? Where do lithium ions go when charging?
`;
