using Mergeflow.Engine.OpenFlow;
using Mergeflow.Engine.Runtime;
using Mergeflow.Engine.Text;

namespace Mergeflow.Switch;

/// <summary>
/// A virtual switch in this process: frames go in by <see cref="Send"/>, what leaves is read by <see cref="TryRead"/>. Its time is that of the machine.
/// One caller at a time: a second thread inside is told so by an exception, and nothing is harmed.
/// </summary>
public sealed class VirtualSwitch : IDisposable
{
    private readonly (string Name, uint Number)[] _ports;
    private readonly OutputQueue _outputs;
    private readonly Simulator _switch;
    private readonly ThreadedRuntime? _offloadThread;
    private readonly FlowTextParser _parser;
    private readonly FlowTextFormatter _formatter = new();
    private readonly int _frameCapacityBytes;
    private long _received;
    private int _inside;
    private bool _disposed;

    internal VirtualSwitch((string Name, uint Number)[] ports, SimulatorOptions options, int outputs)
    {
        _ports = ports;
        _outputs = new OutputQueue(outputs);
        _parser = new FlowTextParser(new PortNames(ports.ToDictionary(static p => p.Name, static p => p.Number)), static _ => { });
        _frameCapacityBytes = options.FrameCapacityBytes;
        _switch = new Simulator(options, _outputs);
        _switch.AdvanceTo(Environment.TickCount64);
        if (!options.OffloadRunsApart) return;
        Datapath datapath = _switch.Datapath;
        _offloadThread = new ThreadedRuntime();
        _offloadThread.Add("offload", null, [datapath.Offload!, datapath.Aging!], datapath.Quiescent.Register());
        _offloadThread.Start();
    }

    /// <summary>Frames that have left and wait to be read.</summary>
    public int WaitingCount => _outputs.Count;

    /// <summary>What it has done so far.</summary>
    /// <exception cref="ObjectDisposedException">It is gone.</exception>
    public SwitchCounters Counters
    {
        get
        {
            using var inside = new Caller(this);
            Datapath d = _switch.Datapath;
            return new SwitchCounters(_received, (long)(d.Offload?.Stats.Hits ?? 0), _outputs.Count + _outputs.Taken + _outputs.Lost, _outputs.Lost, d.Offload?.RuleCount ?? 0, d.Conntrack.Count);
        }
    }

    /// <summary>Changes the flows.</summary>
    /// <param name="text">A flow per line, as <c>ovs-ofctl add-flows</c> takes them; a line may begin with <c>add</c>, <c>modify</c>, <c>modify_strict</c>, <c>delete</c> or <c>delete_strict</c>. All of it holds when this returns, or nothing does.</param>
    /// <exception cref="FormatException">What cannot be understood or is not there, with line and column.</exception>
    /// <exception cref="ObjectDisposedException">It is gone.</exception>
    public void AddFlows(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        using var inside = new Caller(this);
        try
        {
            IReadOnlyList<FlowMod> mods = _parser.ParseFlows(text);
            _switch.ApplyFlowMods(mods);
        }
        catch (FlowTextException e)
        {
            throw new FormatException(e.ToString(), e);
        }
    }

    /// <summary>The flows with their counters, a line each, as <c>ovs-ofctl dump-flows</c> prints them.</summary>
    /// <returns>Lines.</returns>
    /// <exception cref="ObjectDisposedException">It is gone.</exception>
    public IReadOnlyList<string> DumpFlows()
    {
        using var inside = new Caller(this);
        return [.. _switch.Report().Rules.Select(r => _formatter.Format(r, _switch.NowMs))];
    }

    /// <summary>Hands in one frame that has arrived; when this returns, what leaves because of it can be read.</summary>
    /// <param name="port">Number of the port on which it has arrived.</param>
    /// <param name="frame">From the Ethernet header on, without FCS; 14 to 10240 bytes. It is copied.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such port.</exception>
    /// <exception cref="ArgumentException">The frame is too short or too long.</exception>
    /// <exception cref="InvalidOperationException">Too many fragments are held, or another thread is inside.</exception>
    /// <exception cref="ObjectDisposedException">It is gone.</exception>
    public void Send(uint port, ReadOnlySpan<byte> frame)
    {
        const int ethernetHeaderBytes = 14;
        using var inside = new Caller(this);
        if (!Array.Exists(_ports, p => p.Number == port)) throw new ArgumentOutOfRangeException(nameof(port), port, "the switch has no such port");
        if (frame.Length < ethernetHeaderBytes || frame.Length > _frameCapacityBytes)
            throw new ArgumentException($"a frame has {ethernetHeaderBytes} to {_frameCapacityBytes} bytes, not {frame.Length}", nameof(frame));
        _switch.Receive(port, frame, _received++);
        _switch.ProcessPending();
    }

    /// <summary>Takes the frame that left first.</summary>
    /// <param name="buffer">Takes its bytes.</param>
    /// <param name="port">Number of the port by which it left.</param>
    /// <param name="lengthBytes">How many bytes it has.</param>
    /// <returns>False when none waits.</returns>
    /// <exception cref="ArgumentException">It is longer than the buffer; it goes on waiting.</exception>
    /// <exception cref="ObjectDisposedException">The switch is gone.</exception>
    public bool TryRead(Span<byte> buffer, out uint port, out int lengthBytes)
    {
        using var inside = new Caller(this);
        return _outputs.TryTake(buffer, out port, out lengthBytes);
    }

    /// <summary>Ends the offload thread and gives back all memory; may be called again.</summary>
    /// <exception cref="InvalidOperationException">Another thread is inside.</exception>
    public void Dispose()
    {
        if (_disposed) return;
        using var inside = new Caller(this);
        _disposed = true;
        try
        {
            _offloadThread?.Dispose();
        }
        finally
        {
            _switch.Dispose();
        }
    }

    /// <summary>The one caller; brings the switch's clock to now.</summary>
    private readonly ref struct Caller
    {
        private readonly VirtualSwitch _owner;

        public Caller(VirtualSwitch owner)
        {
            _owner = owner;
            if (Interlocked.CompareExchange(ref owner._inside, 1, 0) != 0) throw new InvalidOperationException("another thread is inside the switch: it takes one caller at a time");
            if (owner._disposed)
            {
                Volatile.Write(ref owner._inside, 0);
                throw new ObjectDisposedException(nameof(VirtualSwitch));
            }

            owner._switch.AdvanceTo(Math.Max(owner._switch.NowMs, Environment.TickCount64));
        }

        public void Dispose() => Volatile.Write(ref _owner._inside, 0);
    }
}
