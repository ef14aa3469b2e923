namespace Mergeflow.Nic;

/// <content>Whether frames are looked up: who takes the device out of the path, and who wants to see all frames for a while, do not know each other.</content>
public sealed partial class KernelNic
{
    private readonly Lock _matching = new();
    private bool _isOn = true;
    private int _holds;

    /// <inheritdoc/>
    public void SetMatching(bool isOn)
    {
        lock (_matching)
        {
            _isOn = isOn;
            Match();
        }
    }

    /// <summary>Every frame is software's until <see cref="Release"/>, also where others hold it; rules stay. On return no frame goes by one. From any thread.</summary>
    public void Hold()
    {
        lock (_matching)
        {
            _holds++;
            Match();
        }
    }

    /// <summary>The end of a <see cref="Hold"/>.</summary>
    public void Release()
    {
        lock (_matching)
        {
            _holds--;
            Match();
        }
    }

    private void Match()
    {
        bool isOn = _isOn && _holds == 0;
        _table.SetMatching(isOn);
        if (!isOn) _table.Quiesce();
    }
}
