using Mergeflow.Control;

namespace Mergeflow.Cli;

/// <summary>A switch of this process, as the commands see it that run inside it.</summary>
internal sealed class RunningSwitch : IDisposable
{
    private readonly ManualResetEventSlim _end = new();
    private TunnelWatch? _tunnels;

    /// <summary>A switch that has not started.</summary>
    /// <param name="live">What runs; owned.</param>
    /// <param name="specs">Its ports, as they were asked for.</param>
    /// <param name="files">Its rules.</param>
    /// <param name="log">Where it says what happens; not owned.</param>
    public RunningSwitch(LiveSwitch live, IReadOnlyList<PortSpec> specs, RuleFiles files, LiveLog log) => (Live, Specs, Files, Log) = (live, specs, files, log);

    /// <summary>What runs.</summary>
    public LiveSwitch Live { get; }

    /// <summary>The datapath of it.</summary>
    public Datapath Datapath => Live.Datapath;

    /// <summary>Its ports, as they were asked for.</summary>
    public IReadOnlyList<PortSpec> Specs { get; }

    /// <summary>Opens the ports, in their order, and starts all threads.</summary>
    /// <exception cref="IOException">A port cannot be opened.</exception>
    public void Start(IReadOnlyList<WatchedPort> ports, IReadOnlyList<WatchedTunnel> tunnels)
    {
        Watch = new PortWatch(Live, ports, Log.Write);
        if (tunnels.Count > 0) _tunnels = new TunnelWatch(Live, tunnels, Log.Write);
        Live.Start();
        Watch.Start();
    }

    /// <summary>Keeps the ports in step with their devices; null until they are open.</summary>
    public PortWatch? Watch { get; private set; }

    /// <summary>Where rules come from when they are read anew.</summary>
    public RuleFiles Files { get; }

    /// <summary>A line per event.</summary>
    public LiveLog Log { get; }

    /// <summary>What is said of frames that nobody here sees.</summary>
    public const string KernelNote = "what the kernel forwards by merged rules (--offload kernel) is not among them";

    /// <summary>The kernel forwards packets that packet threads do not see.</summary>
    public bool ForwardsInKernel => Datapath.Options.Offload == OffloadMode.Kernel;

    /// <summary>Its last frames; null = it keeps none.</summary>
    public LastFrames? Last { get; set; }

    /// <summary>Its time, ms.</summary>
    public long NowMs => LiveSwitch.NowMs;

    /// <summary>Somebody wants it to end.</summary>
    public WaitHandle Ending => _end.WaitHandle;

    /// <summary>Asks it to end, from any thread.</summary>
    public void End() => _end.Set();

    /// <summary>Sets a port up or down, as ordered; false if there is none.</summary>
    public bool SetUp(uint number, bool isUp)
    {
        if (Watch?.Ports.FirstOrDefault(p => p.Number == number) is not { } port) return false;
        Watch.SetUp(port, isUp);
        return true;
    }

    /// <summary>Reads the files anew. If one of them is wrong everything stays as it is, and that is said.</summary>
    public void Reload()
    {
        try
        {
            OfPipeline wanted = Files.Load(Datapath.Pipeline.Options, Specs, Warn);
            Log.Write($"rules read: {RuleText.Replace(this, wanted)}");
        }
        catch (Exception e) when (e is CommandFailedException or IOException or UnauthorizedAccessException or FlowModException)
        {
            Log.Write($"rules stay as they are: {e.Message}");
        }
    }

    /// <summary>Says where the device has not confirmed a change.</summary>
    public void Note(Acknowledgement acknowledgement)
    {
        if (acknowledgement == Acknowledgement.DeviceSuspended) Log.Write("the device does not confirm a change: it is out of the path until it does");
    }

    /// <summary>Says what is wrong and does no harm.</summary>
    public void Warn(string text) => Log.Write($"warning: {text}");

    /// <inheritdoc/>
    public void Dispose()
    {
        _tunnels?.Dispose();
        Last?.Dispose();
        Watch?.Dispose();
        Live.Dispose();
        _end.Dispose();
    }
}
