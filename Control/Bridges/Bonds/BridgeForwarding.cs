using System.Globalization;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Engine.Ports;
using Mergeflow.Engine.Runtime;
using Mergeflow.Native;

namespace Mergeflow.Control.Bridges;

/// <summary>What the ports of a bridge have together: bonds with their LACP, mirrors, protected ports, VLANs without learning. The datapath is told when something of it changes. For one thread at a time.</summary>
/// <param name="bridge">Told what it is.</param>
/// <param name="log">Takes lines: module, text.</param>
public sealed class BridgeForwarding(DatapathBridge bridge, Action<string, string> log)
{
    private readonly SortedDictionary<string, Bond> _bonds = new(StringComparer.Ordinal);
    private readonly Dictionary<string, BondPlan> _plans = new(StringComparer.Ordinal);
    private readonly Dictionary<uint, LivePort> _ports = [];
    private readonly Lock _lock = new();
    private BridgeConfig? _config;
    private IReadOnlyDictionary<string, int> _ofports = new Dictionary<string, int>();
    private ForwardingPlan _plan = ForwardingPlan.Plain;
    private string _shape = "";

    /// <summary>Addresses that those behind a bond have not been told of yet.</summary>
    private readonly Queue<(Bond Bond, MacKey Address)> _untold = [];

    /// <summary>The bonds, by name; within <see cref="Locked"/>.</summary>
    public IReadOnlyDictionary<string, Bond> Bonds => _bonds;

    /// <summary>Does something while nothing changes.</summary>
    public T Locked<T>(Func<T> work)
    {
        lock (_lock) return work();
    }

    /// <summary>Makes it so.</summary>
    /// <returns>Lines about what makes no sense.</returns>
    public IReadOnlyList<string> Configure(BridgeConfig config, IReadOnlyDictionary<string, int> ofports, IReadOnlyDictionary<int, LivePort> ports, ulong bridgeMac)
    {
        List<string> lines = [];
        lock (_lock)
        {
            (_config, _ofports) = (config, ofports);
            _ports.Clear();
            foreach ((int number, LivePort port) in ports) _ports.Add((uint)number, port);
            foreach (string gone in _bonds.Keys.Where(n => !config.Ports.Any(p => p.Name == n && BondReader.IsWanted(p))).ToArray())
            {
                _bonds.Remove(gone);
                _plans.Remove(gone);
            }

            foreach (PortConfig port in config.Ports.Where(BondReader.IsWanted))
            {
                BondMemberOptions[] members = [.. port.Interfaces.Where(i => ofports.ContainsKey(i.Name)).Select(i => new BondMemberOptions((uint)ofports[i.Name], i.Name, ports[ofports[i.Name]].Mac, BondReader.MemberOf(i, ofports[i.Name])))];
                if (!_bonds.TryGetValue(port.Name, out Bond? bond)) _bonds.Add(port.Name, bond = new Bond(port.Name, line => log("bond", line)));
                bond.Configure(BondReader.Read(port, bridgeMac, lines.Add), members);
            }

            if (_bonds.Values.Any(static b => b.Lacp is not null)) bridge.LacpReceiver = Receive;
            Run(LiveSwitch.NowMs, lines);
        }

        return lines;
    }

    /// <summary>Looks at links and time.</summary>
    public void Run(long nowMs)
    {
        lock (_lock)
        {
            if (_bonds.Count > 0) Run(nowMs, []);
        }
    }

    /// <summary>Whether what an interface has heard by LACP is fresh; null = it has no LACP.</summary>
    public bool? LacpCurrent(int ofport)
    {
        lock (_lock) return _bonds.Values.Select(b => b.Lacp?.IsCurrent((uint)ofport)).FirstOrDefault(static c => c is not null);
    }

    /// <summary>The ports that have LACP and may not be used yet (OVS <c>lacp_member_may_enable</c>), in no order.</summary>
    public IReadOnlyList<uint> HeldByLacp
    {
        get
        {
            lock (_lock) return [.. _bonds.Values.SelectMany(static b => b.HeldByLacp)];
        }
    }

    /// <summary>Wants the columns of bonds and mirrors.</summary>
    public void Report(Writeback into, bool withStatistics)
    {
        lock (_lock)
        {
            if (_config is not { } config) return;
            foreach (PortConfig port in config.Ports)
            {
                string? active = _bonds.TryGetValue(port.Name, out Bond? bond) && port.Interfaces.Count > 1 && bond.ActiveMac != 0 ? MacText.Of(bond.ActiveMac) : null;
                into.Set(VswitchTables.Port, port.Id, "bond_active_slave", active);
            }

            if (!withStatistics) return;
            foreach (MirrorConfig mirror in config.Mirrors)
            {
                if (_plan.Mirrors.FirstOrDefault(m => m.Name == mirror.Name) is not { } plan) continue;
                into.Set(VswitchTables.Mirror, mirror.Id, "statistics", new SortedDictionary<string, long>(StringComparer.Ordinal) { ["tx_bytes"] = (long)plan.Bytes, ["tx_packets"] = (long)plan.Packets });
            }
        }
    }

    private void Run(long nowMs, List<string> lines)
    {
        bool isChanged = false;
        foreach (Bond bond in _bonds.Values)
        {
            BondPlan plan = bond.Run(nowMs, port => _ports.TryGetValue(port, out LivePort? p) && p.HasCarrier, Send);
            if (_plans.TryGetValue(bond.Name, out BondPlan? before) && before.IsSame(plan)) continue;
            _plans[bond.Name] = plan;
            isChanged = true;
        }

        string shape = _config is null ? "" : ShapeOf(_config);
        if (isChanged || shape != _shape)
        {
            _shape = shape;
            _plan = PlanOf(_config!, lines);
            bridge.Ports.SetForwarding(_plan, nowMs);
        }

        Tell(nowMs);
    }

    /// <summary>Whoever is behind a bond hears by which member the addresses are now that are behind other ports: by a RARP request from each, as many at a time as take no long (OVS <c>bundle_send_learning_packets</c>).</summary>
    private void Tell(long nowMs)
    {
        const int mostAtOnce = 512;
        foreach (Bond bond in _bonds.Values.Where(static b => b.TakeHasToTell()))
        {
            uint own = _plan.Bundles.Values.FirstOrDefault(b => b.Name == bond.Name)?.Representative ?? 0;
            foreach ((LearnedSource source, _) in bridge.Pipeline.LearnedAddresses(nowMs))
            {
                if (source.Port != own) _untold.Enqueue((bond, new MacKey(source.Mac, source.Vid)));
            }
        }

        for (int i = 0; i < mostAtOnce && _untold.TryDequeue(out (Bond Bond, MacKey Address) next); i++)
        {
            if (_bonds.GetValueOrDefault(next.Bond.Name) == next.Bond && next.Bond.MemberOf(next.Address.Mac, next.Address.Vid) is { } member) Send(member, RarpFrame.Write(next.Address.Mac, next.Address.Vid));
        }
    }

    private ForwardingPlan PlanOf(BridgeConfig config, List<string> lines)
    {
        Dictionary<string, PortBundle> bundles = new(StringComparer.Ordinal);
        foreach (PortConfig port in config.Ports)
        {
            uint[] members = [.. port.Interfaces.Where(i => _ofports.ContainsKey(i.Name)).Select(i => (uint)_ofports[i.Name]).Order()];
            if (members.Length == 0) continue;
            bool isBond = port.Interfaces.Count > 1;
            bundles.Add(port.Name, new PortBundle(port.Name, members) { IsProtected = port.IsProtected, Bond = isBond ? _plans.GetValueOrDefault(port.Name) : null, HasLacp = port.Lacp is "active" or "passive" });
        }

        List<MirrorPlan> mirrors = [];
        foreach (MirrorConfig mirror in config.Mirrors)
        {
            if (MirrorOf(mirror, bundles, config, lines) is not { } plan) continue;
            mirrors.Add(_plan.Mirrors.FirstOrDefault(m => m.Name == plan.Name) is { } before ? plan.CountingAs(before) : plan);
        }

        return new ForwardingPlan(bundles.Values.Where(static b => b.Members.Count > 1 || b.IsProtected || b.HasLacp), mirrors, config.FloodVlans);
    }

    /// <summary>OVS <c>mirror_configure</c>.</summary>
    private static MirrorPlan? MirrorOf(MirrorConfig mirror, Dictionary<string, PortBundle> bundles, BridgeConfig config, List<string> lines)
    {
        PortBundle? output = mirror.OutputPort is { } name ? bundles.GetValueOrDefault(name) : null;
        if (mirror.OutputPort is not null && output is null)
        {
            lines.Add($"bridge {config.Name}: mirror {mirror.Name} outputs to port not on bridge");
            return null;
        }

        if (output is null && mirror.OutputVlan is null)
        {
            lines.Add($"bridge {config.Name}: mirror {mirror.Name} does not specify output; ignoring");
            return null;
        }

        if (output is not null && mirror.OutputVlan is not null) lines.Add($"bridge {config.Name}: mirror {mirror.Name} specifies both output port and output vlan; using output port");
        HashSet<uint> from = Numbers(mirror.From), to = Numbers(mirror.To);
        return new MirrorPlan(mirror.Name, mirror.Vlans) { From = from, To = to, OutputPort = output, OutputVlan = output is null ? (ushort?)mirror.OutputVlan : null, SnapBytes = (ushort)(mirror.SnapBytes ?? 0) };

        HashSet<uint> Numbers(IReadOnlyList<string> names) => [.. (mirror.SelectsAll ? bundles.Values : names.Select(bundles.GetValueOrDefault).OfType<PortBundle>()).SelectMany(static b => b.Members)];
    }

    /// <summary>All that a plan is made of besides bonds' states.</summary>
    private string ShapeOf(BridgeConfig config)
        => string.Join('\n', config.Ports.Select(p => $"{p.Name} {p.IsProtected} {p.Lacp} {string.Join(',', p.Interfaces.Select(i => _ofports.GetValueOrDefault(i.Name)))}")
            .Concat(config.Mirrors.Select(static m => $"{m.Name} {m.SelectsAll} {string.Join(',', m.From)} {string.Join(',', m.To)} {string.Join(',', m.Vlans)} {m.OutputPort} {m.OutputVlan} {m.SnapBytes}"))
            .Append(string.Join(',', config.FloodVlans)));

    private void Receive(uint port, byte[] frame)
    {
        lock (_lock)
        {
            foreach (Bond bond in _bonds.Values) bond.Lacp?.Receive(port, frame, LiveSwitch.NowMs);
        }
    }

    /// <summary>As an output to the port, of a packet that has come from nowhere (OVS <c>send_pdu_cb</c>).</summary>
    private void Send(uint port, LacpInfo actor, LacpInfo partner)
    {
        if (_ports.TryGetValue(port, out LivePort? member)) Send(port, LacpFrame.Write(member.Mac, actor, partner));
    }

    private void Send(uint port, byte[] frame)
    {
        PipelineFlow flow = default;
        flow.Key.InPort = Be32.FromHost((uint)OfReservedPort.None);
        bridge.PacketOut(frame, flow, new EquatableList<OfAction>([new OfOutput(port)]), LiveSwitch.NowMs);
    }
}
