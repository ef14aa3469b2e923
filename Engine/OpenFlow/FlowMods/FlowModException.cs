namespace Mergeflow.Engine.OpenFlow;

/// <summary>A flow or group modification that the pipeline refuses (OpenFlow error messages); nothing was applied.</summary>
public sealed class FlowModException : Exception
{
    /// <summary>Refuses modification number <paramref name="index"/> of its batch.</summary>
    public FlowModException(string error, string message, int index = 0)
        : base($"{error}: {message}") => (Error, Index) = (error, index);

    private FlowModException(FlowModException of, int index)
        : base(of.Message, of) => (Error, Index) = (of.Error, index);

    /// <summary>OpenFlow error name, e.g. <c>OFPBAC_MATCH_INCONSISTENT</c>.</summary>
    public string Error { get; }

    /// <summary>Position in the batch, from 0.</summary>
    public int Index { get; }

    /// <summary>The same at another position.</summary>
    internal FlowModException At(int index) => new(this, index);
}
