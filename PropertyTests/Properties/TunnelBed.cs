using System.Globalization;
using Mergeflow.Native;
using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>A switch with the tunnels of <see cref="TunnelCases"/>: with merged rules or without; with rules in the kernel frames go to the program first, by test runs, and to software if it leaves them.</summary>
internal sealed class TunnelBed : IOutputSink, IDisposable
{
    private readonly List<(uint Port, byte[] Frame)> _sent = [];
    private readonly FlowTextParser _parser = new(new PortNames(TunnelCases.Ports));
    private const int Loopback = 1, FirstInterface = 100, MtuBytes = 1500;
    private static readonly uint[] s_devices = [1, 2, 3];
    private readonly bool _isTc;
    private readonly byte[] _buffer = new byte[4096];
    private long _events;

    private KernelNic? _kernel => Simulator.Datapath.Kernel;

    /// <summary>Frames that the kernel's program took.</summary>
    public ulong KernelHits { get; private set; }

    /// <summary>The last frame was taken by it.</summary>
    public bool IsByKernel { get; private set; }

    /// <summary>What was sent last, frame by frame; of several outputs in the kernel the last one.</summary>
    public IReadOnlyList<(uint Port, byte[] Frame)> Sent => _sent;

    public TunnelBed(OffloadMode mode, BpfAttachPoint form = BpfAttachPoint.TcxIngress)
    {
        var tunnels = new TunnelPortParser(new PortNames(TunnelCases.Ports));
        Simulator = new Simulator(
            new SimulatorOptions
            {
                Ports = [.. TunnelCases.Ports.Select(static p => (p.Key, p.Value))],
                Tunnels =
                [
                    tunnels.Parse(10, $"type=geneve,remote_ip=192.0.2.2,key=flow,csum=true,{TunnelCases.Underlay}"), tunnels.Parse(11, $"type=geneve,remote_ip=192.0.2.3,key=flow,{TunnelCases.Underlay}"),
                    tunnels.Parse(12, $"type=vxlan,remote_ip=192.0.2.3,key=77,{TunnelCases.Underlay}"), tunnels.Parse(13, $"type=gre,remote_ip=192.0.2.3,key=5,{TunnelCases.Underlay}"),
                    tunnels.Parse(14, $"type=geneve,remote_ip=fd00::2,key=9,{TunnelCases.Underlay6}"), tunnels.Parse(15, $"type=gre,remote_ip=fd00::3,{TunnelCases.Underlay6}"),
                    tunnels.Parse(16, $"type=vxlan,remote_ip=fd00::4,key=8,{TunnelCases.Underlay6}"),
                ],
                Offload = mode,
                KernelForm = form,
                BatchSize = 1,
                PacketCapacity = 256,
                GuardPages = true,
                FrameCapacityBytes = 2048,
            },
            this);
        Simulator.Pipeline.SetOption(new GeneveOption(0x102, 0x80, 4));
        _isTc = form == BpfAttachPoint.TcxIngress;
        foreach (uint device in s_devices) _kernel?.AddPort(new KernelPortOptions { Number = device, Interface = FirstInterface + (int)device, MtuBytes = MtuBytes });
    }

    public Simulator Simulator { get; }

    public void Apply(RefTunnelRule[] rules, bool isTracked)
    {
        List<string> lines = [];
        for (int i = 0; i < rules.Length; i++)
        {
            RefTunnelRule r = rules[i];
            string match = string.Create(CultureInfo.InvariantCulture, $"priority={100 - i},ip,in_port={r.InPort}{(r.Key is { } k ? $",tun_id={k}" : "")}");
            List<string> actions = [];
            if (r.DecrementsTtl) actions.Add("dec_ttl");
            if (r.Tos is { } tos) actions.Add($"mod_nw_tos:{tos}");
            if (r.NewDestination is { } mac) actions.Add($"set_field:{string.Join(':', Enumerable.Range(0, 6).Select(b => ((mac >> (40 - (8 * b))) & 0xff).ToString("x2", CultureInfo.InvariantCulture)))}->eth_dst");
            if (r.NewKey is { } key) actions.Add($"set_field:0x{key:x}->tun_id");
            if (r.NewOption is { } option) actions.Add($"set_field:0x{option:x}->tun_metadata0");
            actions.AddRange(r.Outputs.Select(static o => $"output:{o}"));
            string text = string.Join(',', actions);
            if (!isTracked)
            {
                lines.Add($"add table=0,{match},actions={text}");
                continue;
            }

            // Committed or not, it goes on in the same way: the model knows no connections.
            lines.Add($"add table=0,{match},actions=ct(table=1,zone=5)");
            lines.Add($"add table=1,{match},ct_state=+new,actions=ct(commit,zone=5),{text}");
            lines.Add($"add table=1,{match},ct_state=-new,actions={text}");
        }

        Simulator.ApplyFlowMods(_parser.ParseFlows("delete\n" + string.Join("\n", lines)));
    }

    /// <summary>Other rules, as text.</summary>
    public void Apply(string flows) => Simulator.ApplyFlowMods(_parser.ParseFlows(flows));

    public string[] Send(uint port, byte[] frame, RefTunnels model)
    {
        _sent.Clear();
        IsByKernel = false;
        if (!TakesInKernel(port, frame))
        {
            Simulator.Receive(port, frame, _events++);
            Simulator.ProcessPending();
        }

        return [.. _sent.Select(s => s.Port == TunnelCases.Below ? $"{s.Port}: {model.Describe(s.Frame)}" : $"{s.Port}: {Convert.ToHexStringLower(s.Frame)}")];
    }

    private bool TakesInKernel(uint port, byte[] frame)
    {
        const int tcRedirect = 7, tcNext = -1, tcDrop = 2, xdpRedirect = 4, xdpPass = 2, xdpDrop = 1;
        if (_kernel is not { } kernel) return false;
        kernel.RemovePort(port);
        kernel.AddPort(new KernelPortOptions { Number = port, Interface = Loopback, MtuBytes = MtuBytes });
        KernelPortTotals[] before = [.. s_devices.Select(kernel.TotalsOf)];
        BpfRun run = kernel.TestRun(frame, _buffer);
        kernel.RemovePort(port);
        kernel.AddPort(new KernelPortOptions { Number = port, Interface = FirstInterface + (int)port, MtuBytes = MtuBytes });
        byte[] left = _buffer[..run.LengthBytes];
        if (run.Result == (_isTc ? tcNext : xdpPass))
        {
            Assert.Equal(Convert.ToHexString(frame), Convert.ToHexString(left));
            return false;
        }

        KernelHits++;
        IsByKernel = true;
        if (run.Result == (_isTc ? tcDrop : xdpDrop)) return true;
        Assert.Equal(_isTc ? tcRedirect : xdpRedirect, run.Result);
        uint[] ports = [.. s_devices.Where((d, i) => kernel.TotalsOf(d).TxPackets != before[i].TxPackets)];
        _sent.AddRange(ports.Select(p => (p, left)));
        return true;
    }

    private BookTotals ByKernel(uint port) => _kernel?.TotalsOf(port) is { } t ? new BookTotals(t.TxPackets, t.TxBytes) : default;

    public string Counters()
    {
        Simulator.Report();
        return string.Join('\n', Simulator.Pipeline.Rules.Select(static r => $"{r.Table} {r.Priority} {r.Packets} {r.Bytes}"))
            + string.Join(' ', TunnelCases.Ports.Values.Select(p => $"{p}={Simulator.Datapath.Pmd.Ports.CountersOf(p) + ByKernel(p)}"));
    }

    public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame) => _sent.Add((port, frame.ToArray()));

    public void Dispose() => Simulator.Dispose();
}
