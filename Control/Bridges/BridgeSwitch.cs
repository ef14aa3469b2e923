using Mergeflow.Engine.Offload;
using Mergeflow.Engine.Runtime;

namespace Mergeflow.Control.Bridges;

/// <summary>Builds the switch that runs a bridge, as the settings of the database want it.</summary>
internal static class BridgeSwitch
{
    private const int LargeFrames = 64;

    /// <summary>Room for packets that controllers have not got yet.</summary>
    private const int PacketInBytes = 1 << 20;

    /// <summary>A switch; where the kernel takes no programs, merged rules are carried out in software.</summary>
    public static LiveSwitch New(LiveBridgeHost host, BridgeConfig config)
    {
        try
        {
            return New(host, config, host.Settings.Offload);
        }
        catch (IOException e) when (host.Settings.Offload == OffloadMode.Kernel)
        {
            host.Warn($"bridge {config.Name}: merged rules stay in software: {e.Message}");
            return New(host, config, OffloadMode.Soft);
        }
    }

    private static LiveSwitch New(LiveBridgeHost host, BridgeConfig config, OffloadMode offload)
    {
        DatapathSettings settings = host.Settings;
        DatapathOptions options = new()
        {
            Ports = [],
            PmdCount = host.ThreadCount,
            Quirks = host.QuirksOf(config.DatapathType),
            LargeFrameCapacity = LargeFrames,
            PacketInBytes = PacketInBytes,
            Offload = offload,
            VlanLimit = settings.VlanLimit,
            MaxIdleMs = settings.MaxIdleMs,
            MaxRevalidatorMs = settings.MaxRevalidatorMs,
            MegaflowCapacity = settings.FlowLimit,
            HandlerCount = host.HandlerCount,

            // What the kernel forwards moves no window.
            TcpSeqChk = offload != OffloadMode.Kernel,
        };
        return new LiveSwitch(options, new ThreadedSwitchOptions { Cpus = settings.Cpus.Count > 0 ? settings.Cpus : null });
    }
}
