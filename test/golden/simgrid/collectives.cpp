// One all-reduce on SimGrid: prints the seconds at which the last rank is done, SimGrid's version, and the wall
// seconds of the simulation alone: without the platform, the schedules and the mailboxes.
// The schedules are written here a second time, on purpose: they are the other side of a comparison.
//
//   collectives [--cfg=KEY:VALUE]... TOPOLOGY ALGORITHM ELEMENTS STRIDE SKEW LATENCY BANDWIDTH [CHILDREN PARENTS]...
//
// TOPOLOGY: star=RANKS, or tree with CHILDREN and PARENTS per level, lowest first. An element has 4 bytes.
// Rank r runs on host (r * STRIDE) % ranks and starts at (r * 37 % 64) * SKEW seconds.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <simgrid/s4u.hpp>
#include <simgrid/version.h>
#include <string>
#include <vector>

namespace sg4 = simgrid::s4u;

namespace {

constexpr double element_bytes = 4;

struct Message {
  int peer;
  double elements;
  sg4::Mailbox* mailbox = nullptr;
};

struct Step {
  std::vector<Message> sends;
  std::vector<Message> receives;
};

double block(long first, long last, long count, long elements) {
  return static_cast<double>(last * elements / count - first * elements / count);
}

std::vector<Step> ring(int rank, int ranks, long elements) {
  std::vector<Step> steps;
  int next = (rank + 1) % ranks, previous = (rank - 1 + ranks) % ranks;
  for (int phase = 0; phase < 2; phase++) {
    for (int s = 0; s < ranks - 1; s++) {
      int own = ((rank - s - 1 + phase) % ranks + ranks) % ranks;
      int other = (own - 1 + ranks) % ranks;
      steps.push_back({{{next, block(own, own + 1, ranks, elements)}},
                       {{previous, block(other, other + 1, ranks, elements)}}});
    }
  }
  return steps;
}

std::vector<Step> recursive_doubling(int rank, int ranks, long elements) {
  std::vector<Step> steps;
  for (int distance = 1; distance < ranks; distance *= 2) {
    double all = static_cast<double>(elements);
    steps.push_back({{{rank ^ distance, all}}, {{rank ^ distance, all}}});
  }
  return steps;
}

std::vector<Step> rabenseifner(int rank, int ranks, long elements) {
  std::vector<Step> steps;
  for (int distance = ranks / 2; distance >= 1; distance /= 2) {
    int peer = rank ^ distance, own = rank - rank % distance, other = peer - peer % distance;
    steps.push_back({{{peer, block(other, other + distance, ranks, elements)}},
                     {{peer, block(own, own + distance, ranks, elements)}}});
  }
  for (int distance = 1; distance < ranks; distance *= 2) {
    int peer = rank ^ distance, own = rank - rank % distance, other = peer - peer % distance;
    steps.push_back({{{peer, block(own, own + distance, ranks, elements)}},
                     {{peer, block(other, other + distance, ranks, elements)}}});
  }
  return steps;
}

sg4::Mailbox* mailbox(int source, int target) {
  return sg4::Mailbox::by_name(std::to_string(source) + ">" + std::to_string(target));
}

/** Look mailboxes up by name before the clock starts. */
void address(int rank, std::vector<Step>& steps) {
  for (Step& step : steps) {
    for (Message& message : step.sends) message.mailbox = mailbox(rank, message.peer);
    for (Message& message : step.receives) message.mailbox = mailbox(message.peer, rank);
  }
}

void run(int rank, const std::vector<Step>& steps, double start) {
  static int payload;
  if (start > 0) sg4::this_actor::sleep_for(start);
  std::vector<int*> landing(1);
  std::vector<sg4::CommPtr> pending;
  for (const Step& step : steps) {
    pending.clear();
    for (const Message& message : step.sends) {
      if (message.elements == 0) continue;
      pending.push_back(message.mailbox->put_async(&payload, message.elements * element_bytes));
    }
    for (const Message& message : step.receives) {
      if (message.elements == 0) continue;
      pending.push_back(message.mailbox->get_async<int>(&landing[0]));
    }
    for (auto& comm : pending) comm->wait();
  }
}

std::vector<sg4::Host*> star(int ranks, double latency, double bandwidth) {
  auto* zone = sg4::create_star_zone("star");
  std::vector<sg4::Host*> hosts;
  for (int i = 0; i < ranks; i++) {
    std::string name = "host" + std::to_string(i);
    auto* host = zone->create_host(name, 1e9);
    auto* link = zone->create_split_duplex_link("link" + std::to_string(i), bandwidth)->set_latency(latency)->seal();
    zone->add_route(host->get_netpoint(), nullptr, nullptr, nullptr,
                    {{link, sg4::LinkInRoute::Direction::UP}}, true);
    hosts.push_back(host);
  }
  zone->seal();
  return hosts;
}

std::vector<sg4::Host*> fat_tree(const std::vector<unsigned>& down, const std::vector<unsigned>& up, double latency,
                                 double bandwidth) {
  std::vector<sg4::Host*> hosts;
  auto create = [&hosts](sg4::NetZone* zone, const std::vector<unsigned long>&, unsigned long id) {
    auto* host = zone->create_host("host" + std::to_string(id), 1e9);
    hosts.push_back(host);
    return std::pair<simgrid::kernel::routing::NetPoint*, simgrid::kernel::routing::NetPoint*>(host->get_netpoint(),
                                                                                            nullptr);
  };
  auto levels = static_cast<unsigned>(down.size());
  sg4::create_fatTree_zone("tree", nullptr, {levels, down, up, std::vector<unsigned>(levels, 1)},
                           sg4::ClusterCallbacks(create), bandwidth, latency, sg4::Link::SharingPolicy::SPLITDUPLEX)
      ->seal();
  return hosts;
}

}  // namespace

int main(int argc, char** argv) {
  sg4::Engine engine(&argc, argv);
  // A plain link: what is sent takes latency + bytes / bandwidth, and nothing else bounds it.
  sg4::Engine::set_config("network/model:CM02");
  sg4::Engine::set_config("network/latency-factor:1");
  sg4::Engine::set_config("network/bandwidth-factor:1");
  sg4::Engine::set_config("network/weight-S:0");
  sg4::Engine::set_config("network/TCP-gamma:0");
  sg4::Engine::set_config("network/crosstraffic:0");
  // The defaults, 1e-9 s and 1e-5, are coarse for messages of microseconds.
  sg4::Engine::set_config("surf/precision:1e-12");
  sg4::Engine::set_config("maxmin/precision:1e-9");

  std::string topology = argv[1], algorithm = argv[2];
  long elements = std::atol(argv[3]);
  int stride = std::atoi(argv[4]);
  double skew = std::atof(argv[5]), latency = std::atof(argv[6]), bandwidth = std::atof(argv[7]);
  std::vector<unsigned> down, up;
  for (int i = 8; i + 1 < argc; i += 2) {
    down.push_back(std::atoi(argv[i]));
    up.push_back(std::atoi(argv[i + 1]));
  }
  auto hosts = topology == "tree" ? fat_tree(down, up, latency, bandwidth)
                                  : star(std::atoi(topology.c_str() + 5), latency, bandwidth);
  int ranks = static_cast<int>(hosts.size());
  for (int rank = 0; rank < ranks; rank++) {
    auto steps = algorithm == "ring"                 ? ring(rank, ranks, elements)
                 : algorithm == "recursive-doubling" ? recursive_doubling(rank, ranks, elements)
                                                     : rabenseifner(rank, ranks, elements);
    address(rank, steps);
    auto* host = hosts[static_cast<long>(rank) * stride % ranks];
    sg4::Actor::create("rank" + std::to_string(rank), host, run, rank, steps, rank * 37 % 64 * skew);
  }
  auto begun = std::chrono::steady_clock::now();
  engine.run();
  std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begun;
  int major, minor, patch;
  sg_version_get(&major, &minor, &patch);
  std::printf("%.15g %d.%d.%d %.6f\n", sg4::Engine::get_clock(), major, minor, patch, wall.count());
}
