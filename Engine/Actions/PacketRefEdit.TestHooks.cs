using Mergeflow.Engine.Packets;

namespace Mergeflow.Engine.Actions;

/// <summary>Rewrites and tunnels on a packet for code that may not hold pointers.</summary>
public static unsafe class PacketRefEdit
{
    extension(PacketRef packet)
    {
        /// <summary>Executes one header rewrite; see <see cref="PacketEdit.Apply"/>, and for <paramref name="leavesAtomic"/> <see cref="PacketEdit.SetIpv6Addr"/>.</summary>
        public bool Apply(in DpAction action, bool leavesAtomic = false)
        {
            DpAction copy = action;
            if (leavesAtomic && action.Op == DpOp.SetIpv6Addr)
            {
                PacketEdit.SetIpv6Addr(packet.Pointer, copy.Ipv6, leavesAtomic);
                return true;
            }

            return PacketEdit.Apply(packet.Pointer, &copy);
        }

        /// <summary>Bytes the next output sends; see <see cref="PacketEdit.Truncate"/>.</summary>
        public int OutputLengthBytes => PacketEdit.OutputLengthBytes(packet.Pointer);

        /// <summary>Cuts the packet for the next output.</summary>
        public void Truncate(uint maxLengthBytes) => PacketEdit.Truncate(packet.Pointer, maxLengthBytes);

        /// <summary>Removes a tunnel's outer headers; see <see cref="TunnelCodec.TryPop"/>.</summary>
        public bool TryPopTunnel(TunnelKind kind) => TunnelCodec.TryPop(packet.Pointer, kind);

        /// <summary>Puts outer headers on; see <see cref="TunnelCodec.Push"/>.</summary>
        public bool PushTunnel(in TunnelHeader header, uint flowHash) => TunnelCodec.Push(packet.Pointer, header, flowHash);
    }
}
