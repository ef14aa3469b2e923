using System.Globalization;
using System.Text;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Engine.Runtime;
using Mergeflow.Native;

namespace Mergeflow.Control.Bridges;

/// <summary>Runs the BFD sessions of all bridges on a thread of its own (OVS <c>ofproto-dpif-monitor</c>): sends when it is time, and tells the datapath which ports may be used. Members are for any thread.</summary>
public sealed class BfdMonitor : IDisposable
{
    private const ushort FirstSourcePort = 49152;
    private const int SourcePorts = 16384;

    private readonly Lock _lock = new();
    private readonly Dictionary<(DatapathBridge Bridge, uint Port), Entry> _entries = [];
    private readonly WakeLatch _latch = new();

    /// <summary>As many lines as Open vSwitch lets through (<c>lib/bfd.c</c>): who sends messages decides how many there are.</summary>
    private readonly LogLimit _log;
    private readonly Action<string> _logThread;
    private Thread? _thread;
    private int _lastSource;
    private volatile bool _end;

    /// <param name="log">Takes lines about what happens.</param>
    /// <param name="logThread">Takes lines about its thread, which is there while there are sessions.</param>
    public BfdMonitor(Action<string> log, Action<string> logThread) => (_log, _logThread) = (new LogLimit(log, linesPerMinute: 20, burst: 20), logThread);

    /// <summary>A port gets a session, or other options; null takes it away.</summary>
    /// <param name="bridge">Whose port.</param>
    /// <param name="port">Which one.</param>
    /// <param name="name">Of the interface.</param>
    /// <param name="mac">Its Ethernet address.</param>
    /// <param name="options">What is asked for.</param>
    /// <param name="received">Packets that the port has received.</param>
    public void Configure(DatapathBridge bridge, uint port, string name, ulong mac, BfdOptions? options, Func<ulong> received)
    {
        lock (_lock)
        {
            if (options is null)
            {
                Remove(bridge, port);
                _latch.Set();
                return;
            }

            long nowMs = LiveSwitch.NowMs;
            if (_entries.TryGetValue((bridge, port), out Entry? entry))
            {
                if (entry.Session.Options == options) return;
                entry.Session.Configure(options, nowMs);
            }
            else
            {
                entry = new Entry(new BfdSession(name, options, NewDiscriminator(), nowMs, Random.Shared, received), mac, (ushort)(FirstSourcePort + (_lastSource++ % SourcePorts)));
                _entries.Add((bridge, port), entry);
                bridge.BfdReceiver = (number, frame) => Receive(bridge, number, frame);
                bridge.Ports.SetBfdLive(port, isLive: false, nowMs);
            }

            EthAddress destination = options.RemoteDestination == 0 ? default : EthAddress.FromUInt64(options.RemoteDestination);
            bridge.Ports.SetBfd(port, new BfdMatch(destination, options.HasOwnAddress ? options.SourceAddress : 0, options.ChecksTunnelKey), nowMs);
            if (_thread is null)
            {
                _thread = new Thread(Run) { Name = "bfd", IsBackground = true };
                _thread.Start();
                _logThread("monitor thread created");
            }
        }

        _latch.Set();
    }

    /// <summary>All sessions of a bridge end, before it does.</summary>
    public void Leave(DatapathBridge bridge)
    {
        lock (_lock)
        {
            foreach ((DatapathBridge Bridge, uint Port) key in _entries.Keys.Where(k => k.Bridge == bridge).ToArray()) _entries.Remove(key);
        }

        _latch.Set();
    }

    /// <summary>The column <c>bfd_status</c>; empty where there is no session.</summary>
    public IReadOnlyDictionary<string, string> StatusOf(DatapathBridge bridge, uint port)
    {
        lock (_lock) return _entries.TryGetValue((bridge, port), out Entry? entry) ? entry.Session.Status(LiveSwitch.NowMs) : new SortedDictionary<string, string>();
    }

    /// <summary>As <c>bfd/show</c> prints it; null = there is no session of that name.</summary>
    public string? Show(string? name)
    {
        lock (_lock)
        {
            BfdSession[] sessions = [.. _entries.Values.Select(static e => e.Session).Where(s => name is null || s.Name == name).OrderBy(static s => s.Name, StringComparer.Ordinal)];
            if (name is not null) return sessions.Length == 0 ? null : sessions[0].Describe(LiveSwitch.NowMs);
            StringBuilder text = new();
            foreach (BfdSession session in sessions) text.Append(CultureInfo.InvariantCulture, $"---- {session.Name} ----\n{session.Describe(LiveSwitch.NowMs)}\n");
            return text.ToString();
        }
    }

    /// <summary>Orders what sessions say; null = they decide again. False if there is none of that name.</summary>
    public bool SetForwarding(string? name, bool? forwards)
    {
        lock (_lock)
        {
            BfdSession[] sessions = [.. _entries.Values.Select(static e => e.Session).Where(s => name is null || s.Name == name)];
            foreach (BfdSession session in sessions) session.ForwardingOverride = forwards;
            if (name is not null && sessions.Length == 0) return false;
        }

        _latch.Set();
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _end = true;
        _latch.Set();
        Thread? thread;
        lock (_lock) thread = _thread;
        thread?.Join();
        _latch.Dispose();
    }

    private void Receive(DatapathBridge bridge, uint port, byte[] frame)
    {
        ReadOnlySpan<byte> payload = BfdFrame.PayloadOf(frame);
        if (payload.IsEmpty) return;
        lock (_lock)
        {
            if (!_entries.TryGetValue((bridge, port), out Entry? entry)) return;
            BfdMessage? message = BfdMessage.Read(payload, out string? wrong);
            if (message is { } read && !entry.Session.Receive(read, LiveSwitch.NowMs)) wrong = "Incorrect your_disc";
            if (wrong is not null && entry.LastWrong != wrong) _log.Write($"{entry.Session.Name}: {wrong}");
            entry.LastWrong = wrong;
        }

        _latch.Set();
    }

    private void Run()
    {
        PollSet set = new();
        while (!_end)
        {
            long waitMs = Step();
            if (EndsWithoutSessions()) return;
            set.Clear();
            set.AtMost(waitMs);
            _latch.Announce();
            if (_end) _latch.Cancel();
            else _latch.Sleep(set);
        }
    }

    /// <summary>The thread ends with the last session; the next session has one of its own.</summary>
    private bool EndsWithoutSessions()
    {
        lock (_lock)
        {
            if (_entries.Count > 0) return false;
            _thread = null;
            _logThread("monitor thread terminated");
            return true;
        }
    }

    /// <summary>Looks at the time, for all sessions; its own thread does, and who moves a clock by hand. Returns ms to the next look.</summary>
    public long Step()
    {
        long waitMs = PollSet.LongestMs;
        lock (_lock)
        {
            long nowMs = LiveSwitch.NowMs;
            foreach (((DatapathBridge bridge, uint port), Entry entry) in _entries) Step(bridge, port, entry, nowMs);
            nowMs = LiveSwitch.NowMs;
            foreach (Entry entry in _entries.Values) waitMs = Math.Clamp(entry.Session.WakeMs - nowMs, 1, waitMs);
        }

        return waitMs;
    }

    private void Step(DatapathBridge bridge, uint port, Entry entry, long nowMs)
    {
        BfdSession session = entry.Session;
        session.Run(nowMs);
        if (session.ShouldSend(nowMs)) Send(bridge, port, entry, nowMs);
        if (session.State != entry.State) _log.Write($"{session.Name}: BFD state change: {entry.State}->{session.State}");
        entry.State = session.State;
        bool forwards = session.IsForwarding(nowMs);
        if (forwards == entry.IsLive) return;
        entry.IsLive = forwards;
        bridge.Ports.SetBfdLive(port, forwards, nowMs);
    }

    /// <summary>As an output to the port, of a packet that has come from nowhere (OVS <c>ofproto_dpif_send_packet</c>).</summary>
    private static void Send(DatapathBridge bridge, uint port, Entry entry, long nowMs)
    {
        BfdOptions options = entry.Session.Options;
        PipelineFlow flow = default;
        flow.Key.InPort = Be32.FromHost((uint)OfReservedPort.None);
        if (options.IsOam) flow.Key.TunFlags = Be16.FromHost((ushort)TunnelFlags.Oam);
        byte[] frame = BfdFrame.Write(entry.Session.Send(nowMs), options, entry.Mac, entry.SourcePort);
        bridge.PacketOut(frame, flow, new EquatableList<OfAction>([new OfOutput(port)]), nowMs);
    }

    private void Remove(DatapathBridge bridge, uint port)
    {
        if (!_entries.Remove((bridge, port))) return;
        bridge.Ports.SetBfd(port, null, LiveSwitch.NowMs);
    }

    private uint NewDiscriminator()
    {
        while (true)
        {
            uint drawn = (uint)Random.Shared.NextInt64(1, 1L << 32);
            if (_entries.Values.All(e => e.Session.Discriminator != drawn)) return drawn;
        }
    }

    private sealed class Entry(BfdSession session, ulong mac, ushort sourcePort)
    {
        public BfdSession Session { get; } = session;

        public ulong Mac { get; } = mac;

        public ushort SourcePort { get; } = sourcePort;

        public BfdState State { get; set; } = session.State;

        public bool IsLive { get; set; }

        public string? LastWrong { get; set; }
    }
}
