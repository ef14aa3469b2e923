namespace Mergeflow.Native;

/// <summary>A tc program on an interface: by a tcx link, or, on kernels before 6.6, by a filter of the <c>clsact</c> queueing discipline.</summary>
public sealed class TcAttachment : IDisposable
{
    private const int InvalidArgument = 22;

    private readonly BpfLink? _link;
    private readonly TcFilter? _filter;

    /// <summary>Puts the program on the interface.</summary>
    /// <param name="program">A tc program.</param>
    /// <param name="interfaceIndex">In the namespace of the calling thread.</param>
    /// <param name="isEgress">On what goes out instead of what comes in.</param>
    /// <param name="usesFilter">True: by a filter, even if the kernel has tcx.</param>
    /// <exception cref="IOException">The kernel refuses.</exception>
    public TcAttachment(BpfProgram program, int interfaceIndex, bool isEgress = false, bool usesFilter = false)
    {
        try
        {
            if (!usesFilter) _link = new BpfLink(program, interfaceIndex, isEgress ? BpfAttachPoint.TcxEgress : BpfAttachPoint.TcxIngress);
        }
        catch (BpfException e) when (e.Errno == InvalidArgument)
        {
            // No tcx in this kernel.
        }

        if (_link is null) _filter = new TcFilter(program, interfaceIndex, isEgress);
    }

    /// <summary>By a filter: it stays when the process is killed, until the next program of ours takes its place.</summary>
    public bool UsesFilter => _filter is not null;

    /// <summary>Puts another program in its place: every frame meets the old one or the new one.</summary>
    /// <exception cref="IOException">The kernel refuses.</exception>
    public void Update(BpfProgram program)
    {
        _link?.Update(program);
        _filter?.Update(program);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _link?.Dispose();
        _filter?.Dispose();
    }
}
