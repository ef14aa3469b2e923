using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>Where the running kernel has what <see cref="KernelDropProgram"/> looks at, bytes.</summary>
/// <param name="SkbDevice"><c>sk_buff.dev</c>.</param>
/// <param name="SkbReceivedBy"><c>sk_buff.skb_iif</c>.</param>
/// <param name="DeviceIndex"><c>net_device.ifindex</c>.</param>
/// <param name="DeviceNamespace"><c>net_device.nd_net.net</c>.</param>
/// <param name="NamespaceNumber"><c>net.ns.inum</c>.</param>
internal readonly record struct KernelDropOffsets(int SkbDevice, int SkbReceivedBy, int DeviceIndex, int DeviceNamespace, int NamespaceNumber)
{
    /// <summary>Those of a kernel.</summary>
    /// <exception cref="InvalidDataException">It has no such members.</exception>
    public static KernelDropOffsets Of(KernelTypes types) => new(
        types.OffsetOf("sk_buff", "dev"), types.OffsetOf("sk_buff", "skb_iif"), types.OffsetOf("net_device", "ifindex"), types.OffsetOf("net_device", "nd_net.net"), types.OffsetOf("net", "ns.inum"));
}
