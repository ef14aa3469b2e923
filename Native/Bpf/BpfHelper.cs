namespace Mergeflow.Native;

/// <summary>Functions of the kernel that programs here call (<c>enum bpf_func_id</c>).</summary>
public enum BpfHelper
{
    /// <summary><c>bpf_map_lookup_elem(map, key)</c>.</summary>
    MapLookup = 1,

    /// <summary><c>bpf_ktime_get_ns()</c>.</summary>
    KtimeNs = 5,

    /// <summary><c>bpf_get_prandom_u32()</c>.</summary>
    Random = 7,

    /// <summary><c>bpf_get_smp_processor_id()</c>.</summary>
    ProcessorId = 8,

    /// <summary><c>bpf_skb_store_bytes(skb, offset, from, length, flags)</c>.</summary>
    SkbStoreBytes = 9,

    /// <summary><c>bpf_l3_csum_replace(skb, offset, from, to, size)</c>.</summary>
    L3ChecksumReplace = 10,

    /// <summary><c>bpf_l4_csum_replace(skb, offset, from, to, flags)</c>.</summary>
    L4ChecksumReplace = 11,

    /// <summary><c>bpf_clone_redirect(skb, ifindex, flags)</c>.</summary>
    CloneRedirect = 13,

    /// <summary><c>bpf_skb_vlan_push(skb, tpid, tci)</c>.</summary>
    SkbVlanPush = 18,

    /// <summary><c>bpf_skb_vlan_pop(skb)</c>.</summary>
    SkbVlanPop = 19,

    /// <summary><c>bpf_redirect(ifindex, flags)</c>.</summary>
    Redirect = 23,

    /// <summary><c>bpf_perf_event_output(context, map, flags, data, length)</c>.</summary>
    PerfEventOutput = 25,

    /// <summary><c>bpf_skb_load_bytes(skb, offset, to, length)</c>.</summary>
    SkbLoadBytes = 26,

    /// <summary><c>bpf_skb_pull_data(skb, length)</c>.</summary>
    SkbPullData = 39,

    /// <summary><c>bpf_xdp_adjust_head(xdp, delta)</c>.</summary>
    XdpAdjustHead = 44,

    /// <summary><c>bpf_skb_adjust_room(skb, difference, mode, flags)</c>.</summary>
    SkbAdjustRoom = 50,

    /// <summary><c>bpf_redirect_map(map, key, flags)</c>.</summary>
    RedirectMap = 51,

    /// <summary><c>bpf_probe_read_kernel(to, size, from)</c>.</summary>
    ProbeReadKernel = 113,

    /// <summary><c>bpf_xdp_get_buff_len(xdp)</c>.</summary>
    XdpBufferLength = 188,
}

/// <summary>Names of <see cref="BpfHelper"/> as the kernel spells them.</summary>
public static class BpfHelpers
{
    /// <summary>E.g. <c>bpf_redirect</c>; <c>unknown</c> for one that programs here do not call.</summary>
    public static string Name(this BpfHelper helper) => helper switch
    {
        BpfHelper.MapLookup => "bpf_map_lookup_elem",
        BpfHelper.KtimeNs => "bpf_ktime_get_ns",
        BpfHelper.Random => "bpf_get_prandom_u32",
        BpfHelper.ProcessorId => "bpf_get_smp_processor_id",
        BpfHelper.SkbStoreBytes => "bpf_skb_store_bytes",
        BpfHelper.L3ChecksumReplace => "bpf_l3_csum_replace",
        BpfHelper.L4ChecksumReplace => "bpf_l4_csum_replace",
        BpfHelper.CloneRedirect => "bpf_clone_redirect",
        BpfHelper.SkbVlanPush => "bpf_skb_vlan_push",
        BpfHelper.SkbVlanPop => "bpf_skb_vlan_pop",
        BpfHelper.Redirect => "bpf_redirect",
        BpfHelper.PerfEventOutput => "bpf_perf_event_output",
        BpfHelper.SkbLoadBytes => "bpf_skb_load_bytes",
        BpfHelper.SkbPullData => "bpf_skb_pull_data",
        BpfHelper.XdpAdjustHead => "bpf_xdp_adjust_head",
        BpfHelper.SkbAdjustRoom => "bpf_skb_adjust_room",
        BpfHelper.RedirectMap => "bpf_redirect_map",
        BpfHelper.ProbeReadKernel => "bpf_probe_read_kernel",
        BpfHelper.XdpBufferLength => "bpf_xdp_get_buff_len",
        _ => "unknown",
    };
}
