namespace Mergeflow.Tests;

/// <summary>A switch with an underlay on port 1, hosts on ports 2 and 3, and tunnel ports: frames in and out as hexadecimal text.</summary>
internal sealed class TunnelBed : IOutputSink, IDisposable
{
    public const string Underlay = "out=p1,addr=192.0.2.1,mac=02:00:00:00:01:01,gw_mac=02:00:00:00:02:02";
    public const string Underlay6 = "out=p1,addr=2001:db8::1,mac=02:00:00:00:01:01,gw_mac=02:00:00:00:02:02";

    private static readonly Dictionary<string, uint> s_ports = new() { ["p1"] = 1, ["p2"] = 2, ["p3"] = 3, ["t10"] = 10, ["t11"] = 11, ["t12"] = 12 };

    private readonly List<string> _sent = [];
    private readonly FlowTextParser _parser = new(new PortNames(s_ports));
    private long _events;

    /// <param name="flows">Rules, one a line.</param>
    /// <param name="mode">Offload.</param>
    /// <param name="tunnels">Options of the tunnel ports t10, t11, t12, as many as there are.</param>
    public TunnelBed(string flows, OffloadMode mode, params string[] tunnels)
    {
        var parser = new TunnelPortParser(new PortNames(s_ports));
        Simulator = new Simulator(
            new SimulatorOptions
            {
                Ports = [.. s_ports.Select(p => (p.Key, p.Value))],
                Tunnels = [.. tunnels.Select((t, i) => parser.Parse(10 + (uint)i, t))],
                Offload = mode,
                BatchSize = 1,
                PacketCapacity = 64,
                TcpSeqChk = mode != OffloadMode.Nic,
                GuardPages = true,
                FrameCapacityBytes = 2048,
            },
            this);
        Simulator.ApplyFlowMods(_parser.ParseFlows(flows));
    }

    public Simulator Simulator { get; }

    /// <summary>Adds rules.</summary>
    public void Mod(params string[] flows) => Simulator.ApplyFlowMods(_parser.ParseFlows(string.Join('\n', flows)));

    /// <summary>Sends a frame; what left, as <c>PORT:HEX</c> with spaces between.</summary>
    public string Send(uint port, string hex)
    {
        _sent.Clear();
        Simulator.Receive(port, Convert.FromHexString(hex), _events++);
        Simulator.ProcessPending();
        return string.Join(' ', _sent);
    }

    public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame) => _sent.Add($"{port}:{Convert.ToHexStringLower(frame)}");

    public void Dispose() => Simulator.Dispose();
}
