using Microsoft.Win32.SafeHandles;

namespace Mergeflow.Native;

/// <summary>A program on an interface (<c>BPF_LINK_CREATE</c>). The kernel takes it off when this object is disposed, and when the process ends however it ends.</summary>
public sealed unsafe class BpfLink : IDisposable
{
    /// <summary><c>XDP_FLAGS_SKB_MODE</c>: on any interface, without XDP's speed.</summary>
    public const uint XdpGeneric = 1 << 1;

    /// <summary><c>XDP_FLAGS_DRV_MODE</c>: by the driver, or not at all.</summary>
    public const uint XdpNative = 1 << 2;

    /// <summary><c>BPF_F_BEFORE</c>: in front of the tcx programs that are there; else behind them.</summary>
    public const uint TcxFirst = 1 << 3;

    private readonly SafeFileHandle _handle;

    /// <summary>Puts <paramref name="program"/> on an interface.</summary>
    /// <param name="program">Of the kind that <paramref name="place"/> takes.</param>
    /// <param name="interfaceIndex">In the namespace of the calling thread.</param>
    /// <param name="place">Where.</param>
    /// <param name="flags">XDP: <see cref="XdpGeneric"/> or <see cref="XdpNative"/>; tcx: <see cref="TcxFirst"/>.</param>
    /// <exception cref="BpfException">The kernel refuses: EBUSY another XDP program is there, EINVAL a kernel without tcx, ENODEV no such interface.</exception>
    public BpfLink(BpfProgram program, int interfaceIndex, BpfAttachPoint place, uint flags = 0)
    {
        BpfAttributes a = default;
        a.Words[0] = (uint)program.Descriptor;
        a.Words[1] = (uint)interfaceIndex;
        a.Words[2] = (uint)place;
        a.Words[3] = flags;
        int fd = BpfCalls.Call(BpfCalls.LinkCreate, &a);
        if (fd < 0) throw BpfCalls.Failure("LINK_CREATE");
        _handle = new SafeFileHandle(fd, ownsHandle: true);
    }

    /// <summary>Puts another program in its place: every frame meets the old one or the new one.</summary>
    /// <exception cref="BpfException">The kernel refuses.</exception>
    public void Update(BpfProgram program)
    {
        BpfAttributes a = default;
        a.Words[0] = (uint)_handle.DangerousGetHandle();
        a.Words[1] = (uint)program.Descriptor;
        if (BpfCalls.Call(BpfCalls.LinkUpdate, &a) < 0) throw BpfCalls.Failure("LINK_UPDATE");
    }

    /// <summary>Takes the program off the interface; the object stays. False if the interface is gone already.</summary>
    public bool Detach()
    {
        BpfAttributes a = default;
        a.Words[0] = (uint)_handle.DangerousGetHandle();
        return BpfCalls.Call(BpfCalls.LinkDetach, &a) == 0;
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();
}

/// <summary>Where a program stands on an interface (<c>enum bpf_attach_type</c>).</summary>
public enum BpfAttachPoint
{
    /// <summary>XDP, before the kernel has made anything of a frame.</summary>
    Xdp = 37,

    /// <summary>tcx, frames that come in (Linux 6.6).</summary>
    TcxIngress = 46,

    /// <summary>tcx, frames that go out (Linux 6.6).</summary>
    TcxEgress = 47,
}
