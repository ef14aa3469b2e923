using System.Globalization;
using Mergeflow.Control.OpenFlow;
using Mergeflow.Engine.Lookup;
using Mergeflow.Engine.Offload;
using Mergeflow.Engine.Runtime;
using Mergeflow.Nic;

namespace Mergeflow.Control.Bridges;

/// <summary>What <c>other_config</c> of <c>Open_vSwitch</c> says of datapaths. All but <see cref="IsRestoring"/>, <see cref="BundleIdleMs"/> and <see cref="CacheInsertOneIn"/> is for datapaths that are made from then on.</summary>
public sealed record DatapathSettings
{
    private const int DefaultFlowLimit = 200_000;
    private const int MaxHandlers = 64;
    private const int DefaultCacheInsertOneIn = 100;

    /// <summary><c>mergeflow-offload</c>: where merged rules go.</summary>
    public OffloadMode Offload { get; init; } = OffloadMode.Soft;

    /// <summary><c>mergeflow-shadow</c>: one in so many packets that the kernel forwards is checked against software; 0 = none.</summary>
    public int ShadowOneIn { get; init; }

    /// <summary><c>vlan-limit</c>: tags that are read, 1 or 2.</summary>
    public int VlanLimit { get; init; } = 1;

    /// <summary><c>max-idle</c>, ms.</summary>
    public long MaxIdleMs { get; init; } = 10_000;

    /// <summary><c>max-revalidator</c>, ms.</summary>
    public long MaxRevalidatorMs { get; init; } = 500;

    /// <summary><c>flow-limit</c>: most megaflows.</summary>
    public int FlowLimit { get; init; } = DefaultFlowLimit;

    /// <summary><c>bundle-idle-timeout</c>, ms: an OpenFlow bundle that nobody touches is given up. For all bridges from then on.</summary>
    public long BundleIdleMs { get; init; } = OfConnectionGroup.DefaultBundleIdleMs;

    /// <summary><c>flow-restore-wait</c>: flows are being brought back, nothing is forwarded.</summary>
    public bool IsRestoring { get; init; }

    /// <summary><c>n-handler-threads</c>: threads that translate what packet threads miss; 0 = packet threads do.</summary>
    public int HandlerCount { get; init; }

    /// <summary><c>emc-insert-inv-prob</c>: one in so many packets that are not in the exact-match cache gets an entry there, 0 = none; null = not said: each that a megaflow is found for.</summary>
    public uint? CacheInsertOneIn { get; init; }

    /// <summary>Reads them; what makes no sense is said and left at its default.</summary>
    public static DatapathSettings Of(IReadOnlyDictionary<string, string> otherConfig, Action<string> warn)
    {
        string offload = otherConfig.GetValueOrDefault("mergeflow-offload", otherConfig.GetValueOrDefault("hw-offload") == "true" ? "kernel" : "soft");
        if (offload is not ("none" or "soft" or "kernel")) warn($"other_config:mergeflow-offload={offload}: expected none, soft or kernel");
        return new DatapathSettings
        {
            Offload = offload switch { "none" => OffloadMode.None, "kernel" => OffloadMode.Kernel, _ => OffloadMode.Soft },
            ShadowOneIn = Number("mergeflow-shadow", 0, 0, KernelNic.MaxShadowOneIn),
            HandlerCount = Number("n-handler-threads", 0, 0, MaxHandlers),
            VlanLimit = Number("vlan-limit", 1, 0, int.MaxValue) is 1 ? 1 : 2,
            MaxIdleMs = Number("max-idle", 10_000, 500, int.MaxValue),
            MaxRevalidatorMs = Number("max-revalidator", 500, 100, int.MaxValue),
            FlowLimit = Number("flow-limit", DefaultFlowLimit, 1000, DefaultFlowLimit),
            BundleIdleMs = Number("bundle-idle-timeout", 0, 0, int.MaxValue) is > 0 and var seconds ? seconds * 1000L : OfConnectionGroup.DefaultBundleIdleMs,
            CacheInsertOneIn = otherConfig.ContainsKey("emc-insert-inv-prob") ? (uint)Number("emc-insert-inv-prob", DefaultCacheInsertOneIn, 0, int.MaxValue) : null,
            IsRestoring = otherConfig.GetValueOrDefault("flow-restore-wait") == "true",
        };

        int Number(string name, int otherwise, int least, int most)
            => int.TryParse(otherConfig.GetValueOrDefault(name), NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? Math.Clamp(n, least, most) : otherwise;
    }
}
