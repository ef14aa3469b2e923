using Mergeflow.Engine.Offload;
using Mergeflow.Engine.Ports;
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
            return New(host, config.DatapathType, host.Settings.Offload);
        }
        catch (IOException e) when (host.Settings.Offload == OffloadMode.Kernel)
        {
            host.Warn($"bridge {config.Name}: merged rules stay in software: {e.Message}");
            return New(host, config.DatapathType, OffloadMode.Soft);
        }
    }

    /// <summary>Opens a device of the host: with rules in the kernel by tc, where they are in front of it; otherwise through packet sockets.</summary>
    /// <exception cref="IOException">There is no such device, or the system refuses.</exception>
    public static LivePort OpenDevice(LiveBridgeHost host, OffloadMode offload, uint ofport, string device, int queues)
    {
        if (offload != OffloadMode.Kernel) return new PacketSocketPort(ofport, device, queues);
        try
        {
            TcPort port = new(ofport, device, queues);
            if (port.Datapath != "tc") host.Warn($"{device}: what comes in is forwarded in software: the kernel has no tcx links");
            return port;
        }
        catch (IOException e)
        {
            // If there is no device, this says so as well.
            PacketSocketPort port = new(ofport, device, queues);
            host.Warn($"{device}: what comes in is forwarded in software: {e.Message}");
            return port;
        }
    }

    /// <summary>A switch for megaflows that are put in by hand: none of them is merged.</summary>
    public static LiveSwitch NewManual(LiveBridgeHost host, string datapathType) => New(host, datapathType, OffloadMode.None);

    private static LiveSwitch New(LiveBridgeHost host, string datapathType, OffloadMode offload)
    {
        DatapathSettings settings = host.Settings;
        DatapathOptions options = new()
        {
            Ports = [],
            PmdCount = host.PlaceCount,
            Quirks = host.QuirksOf(datapathType),
            LargeFrameCapacity = LargeFrames,
            PacketInBytes = PacketInBytes,
            Offload = offload,
            ShadowOneIn = offload == OffloadMode.Kernel ? settings.ShadowOneIn : 0,
            VlanLimit = settings.VlanLimit,
            MaxIdleMs = settings.MaxIdleMs,
            MaxRevalidatorMs = settings.MaxRevalidatorMs,
            MegaflowCapacity = settings.FlowLimit,
            HandlerCount = host.HandlerCount,

            // What the kernel forwards moves no window.
            TcpSeqChk = offload != OffloadMode.Kernel,
        };
        bool hasPlaces = options.PmdCount > 1;
        ThreadedSwitchOptions threads = new() { StartedPmds = 1, TimesQueues = hasPlaces };
        return new LiveSwitch(options, threads, port => hasPlaces && port.IsPmd ? QueueAssignment.Nobody : DatapathPmds.Main);
    }
}
