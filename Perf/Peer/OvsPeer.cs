using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Mergeflow.Native;
using Match = System.Text.RegularExpressions.Match;

namespace Mergeflow.Perf;

/// <summary>
/// Open vSwitch with DPDK as the peer, from Debian's packages: the frames come from DPDK's <c>net_pcap</c> device out of memory, and leave through
/// <c>net_null</c>. That device sets no checksum and hash flags, so ours must not be given verdicts either.
/// </summary>
internal sealed partial class OvsPeer : IPeer
{
    private const double SettleSeconds = 0.5;
    private const double WarmUpSeconds = 3;
    private const int PatienceMs = 60_000;
    private const int QuietMs = 6000;
    private const int EmcDefault = 100;

    private readonly OvsProcesses _ovs;
    private readonly string _pmd;
    private Workload? _workload;
    private BenchSettings _settings = new();
    private int _devices;

    /// <summary>Starts the switch.</summary>
    /// <param name="pmdCpu">Processor of its PMD thread: the one that our packet thread uses when it is our turn.</param>
    /// <param name="mainCpu">Processor of its other threads.</param>
    /// <exception cref="PerfException">It does not start.</exception>
    public OvsPeer(int pmdCpu, int mainCpu)
    {
        _ovs = new OvsProcesses(pmdCpu, mainCpu);
        _pmd = pmdCpu.ToString(CultureInfo.InvariantCulture);
        Match version = Version().Match(_ovs.Vsctl("--version"));
        Name = $"Open vSwitch {version.Groups[1].Value}, DPDK net_pcap";
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>The switch, or null and the reason.</summary>
    /// <param name="cpu">Processor of the packet thread.</param>
    /// <param name="why">What is missing.</param>
    public static OvsPeer? TryStart(int cpu, out string why)
    {
        int[] others = [.. HostProbe.ProcessCpus.Where(c => c != cpu)];
        why = OvsProcesses.Missing() is string package ? $"{package} is not installed (apt-get install {package})"
            : others.Length == 0 ? "a second processor is needed"
            : Environment.UserName != "root" ? "only root can start it"
            : "";
        if (why.Length > 0) return null;
        try
        {
            return new OvsPeer(cpu, others[0]);
        }
        catch (PerfException e)
        {
            why = e.Message;
            return null;
        }
    }

    /// <inheritdoc/>
    public void Prepare(Workload workload, BenchSettings settings)
    {
        if (workload.InPorts is not null) throw PerfException.Usage("--peer ovs: the frames must all arrive on port 1 (--flows, --port 1)");
        (_workload, _settings) = (workload, settings);
        _ovs.Signal("CONT");
        Clear(settings.CacheOn);
        File.WriteAllText(_ovs["flows.txt"], workload.Flows);
        _ovs.Ofctl("add-flows", _ovs["flows.txt"]);
        if (workload.Groups.Length > 0)
        {
            File.WriteAllText(_ovs["groups.txt"], workload.Groups);
            _ovs.Ofctl("add-groups", _ovs["groups.txt"], "-OOpenFlow13");
        }

        foreach (string port in OutputPort().Matches(workload.Flows + workload.Groups).Select(m => m.Groups[1].Value).Distinct().Where(p => p != "1")) AddPort(port, "net_null{0},no-rx=1");
        Write("frames.pcap", workload.Frames);
        if (workload.Setup.Count > 0)
        {
            Write("setup.pcap", workload.Setup);
            ReplayOnce("setup.pcap", workload.Setup.Count);
        }

        if (!settings.OneShot)
        {
            AddPort("1", $"net_pcap{{0}},rx_pcap={_ovs["frames.pcap"]},infinite_rx=1");
            Sleep(WarmUpSeconds);
        }

        _ovs.Signal("STOP");
    }

    /// <inheritdoc/>
    public PeerRun Measure()
    {
        _ovs.Signal("CONT");
        PeerRun run = _settings.OneShot ? MeasureOnce() : MeasureLoop(_settings.Seconds);
        _ovs.Signal("STOP");
        return run;
    }

    /// <inheritdoc/>
    public double MeasureReceive()
    {
        _ovs.Signal("CONT");
        _ovs.Ofctl("del-flows");
        _ovs.Ofctl("add-flow", "actions=drop");
        _ovs.Appctl("revalidator/purge");
        if (_settings.OneShot) AddPort("1", $"net_pcap{{0}},rx_pcap={_ovs["frames.pcap"]},infinite_rx=1");
        Sleep(WarmUpSeconds / 2);
        double cycles = MeasureLoop(_settings.OneShot ? 1 : _settings.Seconds).CyclesPerPacket;
        _ovs.Signal("STOP");
        return cycles;
    }

    /// <inheritdoc/>
    public void Dispose() => _ovs.Dispose();

    private static void Sleep(double seconds) => Thread.Sleep(TimeSpan.FromSeconds(seconds));

    private static double Figure(Regex pattern, string text) => double.TryParse(pattern.Match(text).Groups[1].Value, CultureInfo.InvariantCulture, out double value) ? value : 0;

    private PeerRun MeasureLoop(double seconds)
    {
        WaitForQuiet();
        _ovs.Appctl("dpif-netdev/pmd-stats-clear");
        Sleep(seconds);
        string shown = _ovs.Appctl("dpif-netdev/pmd-perf-show", "-nh", "-pmd", _pmd);
        double packets = Figure(RxPackets(), shown);
        double duration = Figure(Duration(), shown);
        if (packets == 0 || duration == 0) throw PerfException.Failed("--peer ovs: the switch received nothing");
        return new PeerRun(packets / duration, Figure(UsedCycles(), shown) / packets);
    }

    /// <summary>While it was stopped its megaflows grew old, or the rules were changed: until there are no more upcalls.</summary>
    private void WaitForQuiet()
    {
        for (var watch = Stopwatch.StartNew(); watch.ElapsedMilliseconds < QuietMs;)
        {
            _ovs.Appctl("dpif-netdev/pmd-stats-clear");
            Sleep(SettleSeconds);
            if (Figure(Upcalls(), _ovs.Appctl("dpif-netdev/pmd-perf-show", "-nh", "-pmd", _pmd)) == 0) return;
        }
    }

    /// <summary>Every packet is new: the cycles that the PMD spent on packets count, as it waits for the capture before and after.</summary>
    private PeerRun MeasureOnce()
    {
        DeletePort("1");
        _ovs.Appctl("revalidator/purge");
        _ovs.Appctl("dpctl/flush-conntrack");
        Sleep(SettleSeconds);
        _ovs.Appctl("dpif-netdev/pmd-stats-clear");
        AddPort("1", $"net_pcap{{0}},rx_pcap={_ovs["frames.pcap"]}");
        string shown = WaitForPackets(() => _ovs.Appctl("dpif-netdev/pmd-stats-show", "-pmd", _pmd), Received(), _workload!.Frames.Count);
        double cycles = Figure(ProcessingCycles(), shown);
        DeletePort("1");
        if (cycles == 0) throw PerfException.Failed("--peer ovs: the switch counted no cycles");
        return new PeerRun(TscClock.FrequencyHz / cycles, cycles);
    }

    private void ReplayOnce(string capture, int frames)
    {
        AddPort("1", $"net_pcap{{0}},rx_pcap={_ovs[capture]}");
        WaitForPackets(() => _ovs.Ofctl("dump-ports"), PortRxPackets(), frames);
        DeletePort("1");
    }

    private static string WaitForPackets(Func<string> ask, Regex pattern, int packets)
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            Sleep(0.1);
            string answer = ask();
            if (Figure(pattern, answer) >= packets) return answer;
            if (watch.ElapsedMilliseconds > PatienceMs) throw PerfException.Failed($"--peer ovs: received {Figure(pattern, answer):F0} of {packets} packets in {PatienceMs / 1000} s");
        }
    }

    private void Write(string name, IReadOnlyList<byte[]> frames)
    {
        using var writer = new PcapWriter(_ovs[name], nanoseconds: false);
        foreach (byte[] frame in frames) writer.Write(frame, 0);
    }

    private void Clear(bool cacheOn)
    {
        foreach (string port in _ovs.Vsctl("list-ports", "br0").Split('\n', StringSplitOptions.RemoveEmptyEntries)) _ovs.Vsctl("del-port", "br0", port);
        _ovs.Ofctl("del-flows");
        _ovs.Ofctl("del-groups", "-OOpenFlow13");
        _ovs.Appctl("revalidator/purge");
        _ovs.Appctl("dpctl/flush-conntrack");
        _ovs.Vsctl("set", "Open_vSwitch", ".", string.Create(CultureInfo.InvariantCulture, $"other_config:emc-insert-inv-prob={(cacheOn ? EmcDefault : 0)}"));
    }

    private void AddPort(string number, string device)
    {
        string arguments = string.Format(CultureInfo.InvariantCulture, device, _devices++);
        _ovs.Vsctl("add-port", "br0", $"p{number}", "--", "set", "interface", $"p{number}", "type=dpdk", $"ofport_request={number}", $"options:dpdk-devargs=\"{arguments}\"");
        string error = _ovs.Vsctl("get", "interface", $"p{number}", "error").Trim();
        if (error is not ("[]" or "\"\"")) throw PerfException.Failed($"--peer ovs: port {number}: {error}");
    }

    private void DeletePort(string number) => _ovs.Vsctl("--if-exists", "del-port", "br0", $"p{number}");

    [GeneratedRegex(@"\(Open vSwitch\) ([\d.]+)")]
    private static partial Regex Version();

    [GeneratedRegex(@"(?:output:|bucket=[^ ]*?)(\d+)")]
    private static partial Regex OutputPort();

    [GeneratedRegex(@"Rx packets:\s+(\d+)")]
    private static partial Regex RxPackets();

    [GeneratedRegex(@"Upcalls:\s+(\d+)")]
    private static partial Regex Upcalls();

    [GeneratedRegex(@"Used TSC cycles:\s+(\d+)")]
    private static partial Regex UsedCycles();

    [GeneratedRegex(@"Measurement duration: ([\d.]+)")]
    private static partial Regex Duration();

    [GeneratedRegex(@"packets received: (\d+)")]
    private static partial Regex Received();

    [GeneratedRegex(@"avg processing cycles per packet: ([\d.]+)")]
    private static partial Regex ProcessingCycles();

    [GeneratedRegex(@"port\s+""?p?1""?: rx pkts=(\d+)")]
    private static partial Regex PortRxPackets();
}
